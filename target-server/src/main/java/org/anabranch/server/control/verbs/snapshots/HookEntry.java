// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.snapshots;

import org.anabranch.server.control.Doc;
import org.anabranch.server.hooks.HookCounts;

/** A hook of a volume that has run. */
public record HookEntry(
    @Doc("its key in the configuration, such as before-create") String hook,
    @Doc("for which it ran") String volume,
    @Doc("that have ended") long runs,
    @Doc("of these, those that failed, those at their time limit included") long failures,
    @Doc("of these, those that were ended at their time limit") long timeouts,
    @Doc("how long the last one took") long lastMillis) {
  /** What was counted. */
  public static HookEntry of(HookCounts.Count count) {
    return new HookEntry(
        count.hook().key(),
        count.volume(),
        count.runs(),
        count.failures(),
        count.timeouts(),
        count.last().toMillis());
  }
}
