// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports.receive;

import org.jspecify.annotations.Nullable;

/** An import that is under way. Any thread. */
public final class UnderWay {
  private final String volume;
  private @Nullable String snapshot; // guarded by this
  private VolumeImports.State state = new VolumeImports.State(false, 0, 0); // guarded by this

  UnderWay(String volume) {
    this.volume = volume;
  }

  /** The volume that becomes what the stream says. */
  public String volume() {
    return volume;
  }

  /** The name of the snapshot that is taken then; null while it is not known. */
  public synchronized @Nullable String snapshot() {
    return snapshot;
  }

  synchronized void snapshot(String name) {
    snapshot = name;
  }

  /** How far it is. */
  public synchronized VolumeImports.State state() {
    return state;
  }

  synchronized void at(VolumeImports.State now) {
    state = now;
  }
}
