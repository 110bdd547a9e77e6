// SPDX-License-Identifier: Apache-2.0

/**
 * What a service manager wants to hear of a server, by the protocol of sd_notify(3).
 *
 * <pre>
 *   which messages there are, and when each is sent   Supervisor
 *   how a message reaches the manager                 NotifySocket
 *   when the watchdog is fed, and when it is not      Watchdog
 * </pre>
 *
 * Outside of a service all of this does nothing, and none of its system calls are linked.
 */
@NullMarked
package org.anabranch.server.systemd;

import org.jspecify.annotations.NullMarked;
