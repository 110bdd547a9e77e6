// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.base;

import java.util.Collections;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import org.anabranch.config.Configuration;
import org.anabranch.config.VolumeConfig;
import org.jspecify.annotations.Nullable;

/**
 * The one truth about what is configured, and which of the configured volumes are served. A volume
 * that is left out is configured and not served. Any thread; each method sees or makes one state.
 */
public final class LiveConfiguration {
  /**
   * One moment.
   *
   * @param configured what the file says
   * @param served the volumes that are not left out, by name; never changed
   */
  private record State(Configuration configured, SortedMap<String, VolumeConfig> served) {
    static State of(Configuration configured, SortedMap<String, VolumeConfig> served) {
      return new State(configured, Collections.unmodifiableSortedMap(served));
    }
  }

  private final AtomicReference<State> state;

  /** All volumes are served until one is withdrawn. */
  public LiveConfiguration(Configuration configured) {
    state = new AtomicReference<>(State.of(configured, new TreeMap<>(configured.volumes())));
  }

  /** What the file says, as it was applied last. */
  public Configuration configured() {
    return now().configured;
  }

  /** The volumes that are served, by name; a later change is not seen in this map. */
  public SortedMap<String, VolumeConfig> served() {
    return now().served;
  }

  /** The volume of this name; null when it is left out or not configured. */
  public @Nullable VolumeConfig served(String name) {
    return now().served.get(name);
  }

  private State now() {
    State now = state.get();
    if (now == null) {
      throw new IllegalStateException();
    }
    return now;
  }

  /** Another configuration takes effect. */
  public void replace(Configuration configured, Set<String> leftOut) {
    SortedMap<String, VolumeConfig> served = new TreeMap<>(configured.volumes());
    served.keySet().removeAll(leftOut);
    state.set(State.of(configured, served));
  }

  /** A volume is left out from now on. */
  public void withdraw(String volume) {
    state.updateAndGet(now -> {
      SortedMap<String, VolumeConfig> served = new TreeMap<>(now.served);
      served.remove(volume);
      return State.of(now.configured, served);
    });
  }

  /** A volume that was left out is served from now on. */
  public void serve(VolumeConfig volume) {
    state.updateAndGet(now -> {
      SortedMap<String, VolumeConfig> served = new TreeMap<>(now.served);
      served.put(volume.name(), volume);
      return State.of(now.configured, served);
    });
  }
}
