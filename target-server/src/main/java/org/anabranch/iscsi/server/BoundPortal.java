// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.server;

import java.net.InetSocketAddress;
import org.anabranch.iscsi.login.Portal;

/**
 * A portal that is listening.
 *
 * @param address what it is bound to, with the port that was found for port 0
 */
public record BoundPortal(Portal portal, InetSocketAddress address) {}
