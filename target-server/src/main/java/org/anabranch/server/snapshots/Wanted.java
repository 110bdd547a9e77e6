// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import org.anabranch.server.state.ScheduledBy;
import org.jspecify.annotations.Nullable;

/**
 * What a snapshot is to be that is taken.
 *
 * @param volume its volume
 * @param name unique in its volume
 * @param chunkSectors a power of two
 * @param storeBytes how large its store is at first, not negative; 0: as large as it can need
 * @param readOnly initiators cannot write it
 * @param description one line about it, or empty
 * @param scheduled which run of a schedule takes it; null: somebody asked for it
 */
public record Wanted(
    String volume,
    String name,
    int chunkSectors,
    long storeBytes,
    boolean readOnly,
    String description,
    @Nullable ScheduledBy scheduled) {
  /** One that somebody asked for. */
  public Wanted(
      String volume,
      String name,
      int chunkSectors,
      long storeBytes,
      boolean readOnly,
      String description) {
    this(volume, name, chunkSectors, storeBytes, readOnly, description, null);
  }

  String device() {
    return volume + "@" + name;
  }
}
