// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.hooks;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Programs around changes of volumes.
 *
 * @param server for volumes that have no settings of their own
 * @param volumes by volume; what a volume does not say is taken from {@code server}
 */
public record HooksConfig(HookSettings server, SortedMap<String, HookSettings> volumes) {
  /** No programs. */
  public static final HooksConfig NONE = new HooksConfig(HookSettings.NONE, new TreeMap<>());

  public HooksConfig {
    volumes = Collections.unmodifiableSortedMap(new TreeMap<>(volumes));
  }

  /** What holds for a volume. */
  public HookSettings of(String volume) {
    return volumes.getOrDefault(volume, server);
  }

  /**
   * Where {@code Configuration.locations} has the place of a stated user.
   *
   * @param volume {@code ""} for {@link #server}
   * @param key {@code user}, or that of a {@link Hook}
   */
  public static String key(String volume, String key) {
    return volume + "/hooks/" + key; // no name has a slash
  }
}
