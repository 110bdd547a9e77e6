// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.base;

import java.util.Collections;
import java.util.HashSet;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import org.anabranch.config.Configuration;
import org.anabranch.config.VolumeConfig;
import org.jspecify.annotations.Nullable;

/**
 * The one truth about what is configured, by the file and by commands, and which of the configured
 * volumes are served. A volume that is left out is configured and not served. Any thread; each
 * method sees or makes one state.
 */
public final class LiveConfiguration {
  /**
   * One moment.
   *
   * @param effective the file, and what was made at run time
   * @param served the volumes that are not left out, by name; never changed
   */
  private record State(EffectiveConfiguration effective, SortedMap<String, VolumeConfig> served) {
    static State of(EffectiveConfiguration effective, Set<String> leftOut) {
      SortedMap<String, VolumeConfig> served = new TreeMap<>(effective.whole().volumes());
      served.keySet().removeAll(leftOut);
      return new State(effective, Collections.unmodifiableSortedMap(served));
    }

    Set<String> leftOut() {
      Set<String> leftOut = new HashSet<>(effective.whole().volumes().keySet());
      leftOut.removeAll(served.keySet());
      return leftOut;
    }
  }

  private final AtomicReference<State> state;

  /** All volumes of a file are served until one is withdrawn; nothing was made at run time. */
  public LiveConfiguration(Configuration file) {
    this(file, MadeAtRunTime.NONE);
  }

  /** All volumes are served until one is withdrawn. */
  public LiveConfiguration(Configuration file, MadeAtRunTime made) {
    state = new AtomicReference<>(State.of(EffectiveConfiguration.of(file, made), Set.of()));
  }

  /** What the file says, as it was applied last, with what was made at run time. */
  public Configuration configured() {
    return now().effective.whole();
  }

  /** What the file alone says, as it was applied last. */
  public Configuration file() {
    return now().effective.file();
  }

  /** Both, and what was made at run time. */
  public EffectiveConfiguration effective() {
    return now().effective;
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

  /** Another file takes effect. */
  public void replace(Configuration file, Set<String> leftOut) {
    replace(effective().with(file), leftOut);
  }

  /** Another configuration takes effect. */
  public void replace(EffectiveConfiguration effective, Set<String> leftOut) {
    state.set(State.of(effective, leftOut));
  }

  /** Other things were made at run time; what is left out stays so. */
  public void made(MadeAtRunTime made) {
    state.updateAndGet(now -> State.of(now.effective.with(made), now.leftOut()));
  }

  /** A volume is left out from now on. */
  public void withdraw(String volume) {
    state.updateAndGet(now -> {
      Set<String> leftOut = now.leftOut();
      leftOut.add(volume);
      return State.of(now.effective, leftOut);
    });
  }

  /** A volume that was left out is served from now on. */
  public void serve(VolumeConfig volume) {
    state.updateAndGet(now -> {
      Set<String> leftOut = now.leftOut();
      leftOut.remove(volume.name());
      return State.of(now.effective, leftOut);
    });
  }
}
