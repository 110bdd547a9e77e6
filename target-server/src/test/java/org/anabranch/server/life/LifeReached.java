// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.life;

/** What a {@link LifeHistory} may come to: enough of them must, or they prove little. */
enum LifeReached {
  /** The power was cut. */
  POWER_CUT,
  /** A power cut took something back. */
  LOSS,
  /** The process was killed. */
  KILL,
  /** The crash came before the start was through. */
  CRASH_IN_START,
  /** The crash came in the middle of a change, or in one that was not answered. */
  CRASH_IN_CHANGE,
  /** What was not answered was done after the crash. */
  UNANSWERED_DONE,
  /** What was not answered was not done after the crash. */
  UNANSWERED_NOT_DONE,
  /** The server was stopped and started. */
  RESTART,
  /** A crash came while a merge was under way. */
  CRASH_IN_MERGE,
  /** Snapshots of two volumes were taken at one instant. */
  GROUP_TAKEN,
  /** Two volumes were rolled back at one instant. */
  GROUP_MERGED,
  /** A merge was queued behind another one. */
  QUEUED,
  /** A merge came to its end and its snapshot was kept. */
  KEPT,
  /** A merge came to its end and its snapshot was gone. */
  MERGED,
  /** A volume became longer. */
  RESIZED,
  /** A volume was made as a copy of a snapshot. */
  COPIED,
  /** A snapshot or a volume got another name. */
  RENAMED,
  /** A snapshot or a volume was removed. */
  REMOVED,
  /** Another configuration was loaded. */
  RELOADED,
}
