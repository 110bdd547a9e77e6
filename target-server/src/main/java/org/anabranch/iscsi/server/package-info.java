// SPDX-License-Identifier: Apache-2.0

/**
 * The iSCSI server: what listens, what it offers, and whom it tells of it.
 *
 * <pre>
 *   connections that come in, limits, a stop     IscsiServer
 *   addresses that are bound                     Portals, BoundPortal
 *   target nodes, memory, what may be changed    ServerTerms
 *   discovery                                    SendTargets
 * </pre>
 *
 * Everything here may be called from any thread.
 */
@NullMarked
package org.anabranch.iscsi.server;

import org.jspecify.annotations.NullMarked;
