// SPDX-License-Identifier: Apache-2.0

/**
 * The iSCSI server: its portals, its targets, and discovery.
 *
 * <pre>
 *   connections that come in, limits, a stop     IscsiServer
 *   addresses that are bound                     Portals, BoundPortal
 *   target nodes, memory, what may be changed    ServerTerms
 *   discovery                                    SendTargets
 * </pre>
 *
 * All classes here are thread-safe.
 */
@NullMarked
package org.anabranch.iscsi.server;

import org.jspecify.annotations.NullMarked;
