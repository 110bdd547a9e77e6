// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.sim;

/** What an {@link IscsiHistory} may come to: enough of them must, or they prove little. */
enum IscsiReached {
  /** An initiator logged in for the first time. */
  LOGIN,
  /** An initiator logged in once more. */
  LOGIN_AGAIN,
  /** A session was reinstated while its connection was in order. */
  REINSTATED,
  /** A connection was cut. */
  CUT,
  /** A connection let nothing through any more. */
  SILENT,
  /** A request of task management was answered. */
  MANAGED,
  /** A command was aborted before it was answered. */
  ABORTED,
  /** A reset was complete. */
  RESET,
  /** A unit attention came. */
  ATTENTION,
  /** A command met the reservation of another initiator. */
  CONFLICT,
  /** A device hung for a while. */
  HUNG,
}
