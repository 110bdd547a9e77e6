// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.hooks;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.anabranch.config.hooks.Hook;

/** How often each hook of each volume has run since the server began. Any thread. */
public final class HookCounts {
  /** Of so many hooks; the one that has run first is forgotten beyond that. */
  private static final int MAX_HOOKS = 8192;

  /** A hook of a volume. */
  private record Key(String volume, Hook hook) {}

  /**
   * What a hook of a volume has done since the server began.
   *
   * @param runs that have ended
   * @param failures of these, those that failed, the late ones included
   * @param timeouts of these, those that were ended at their time limit
   * @param last how long the last one took
   */
  public record Count(
      String volume, Hook hook, long runs, long failures, long timeouts, Duration last) {}

  /** Guarded by this. */
  private final Map<Key, Count> counts = new LinkedHashMap<>();

  synchronized void note(String volume, Hook hook, HookRun.Ended ended) {
    Key key = new Key(volume, hook);
    Count before = counts.getOrDefault(key, new Count(volume, hook, 0, 0, 0, Duration.ZERO));
    counts.put(
        key,
        new Count(
            volume,
            hook,
            before.runs() + 1,
            before.failures() + (ended.failure() == null ? 0 : 1),
            before.timeouts() + (ended.late() ? 1 : 0),
            ended.took()));
    if (counts.size() > MAX_HOOKS) {
      counts.remove(counts.keySet().iterator().next());
    }
  }

  /** In the order in which they ran first. */
  public synchronized List<Count> all() {
    return List.copyOf(counts.values());
  }
}
