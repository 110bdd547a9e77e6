// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.hooks;

import java.time.Duration;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The programs that run around changes of a volume, and how they run.
 *
 * @param commands the programs; hooks without one are absent
 * @param timeLimit for each program; then it is ended with all that it has started
 * @param onFailure what a failure before the change means for the change
 * @param user who runs them; null: the server's own user
 * @param environment what they find in their environment besides the server's own variables
 */
public record HookSettings(
    Map<Hook, HookCommand> commands,
    Duration timeLimit,
    OnFailure onFailure,
    @Nullable String user,
    SortedMap<String, String> environment) {
  /** What becomes of a change whose program failed before it. */
  public enum OnFailure {
    /** Nothing is changed, and whoever asked for it gets the reason. */
    REFUSE,
    /** It is changed, and whoever asked for it gets the reason. */
    GO_ON
  }

  /** The time limit unless another one is configured. */
  public static final Duration TIME_LIMIT = Duration.ofSeconds(10);

  /** No programs. */
  public static final HookSettings NONE =
      new HookSettings(Map.of(), TIME_LIMIT, OnFailure.REFUSE, null, new TreeMap<>());

  public HookSettings {
    Map<Hook, HookCommand> sorted = new EnumMap<>(Hook.class);
    sorted.putAll(commands);
    commands = Collections.unmodifiableMap(sorted);
    environment = Collections.unmodifiableSortedMap(new TreeMap<>(environment));
  }

  /** The program of a hook; null when it has none. */
  public @Nullable HookCommand command(Hook hook) {
    return commands.get(hook);
  }
}
