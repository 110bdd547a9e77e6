// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import java.util.List;

/**
 * One target in a SendTargets response.
 *
 * @param name its iSCSI name
 * @param addresses its portals, {@code host:port,group}
 */
public record DiscoveredTarget(String name, List<String> addresses) {}
