// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.schedule;

import java.time.Duration;
import java.util.List;

/**
 * Snapshots that are taken again and again.
 *
 * @param name of the schedule, with which the names of its snapshots begin
 * @param volumes of which they are taken, at one instant; no two alike
 * @param every from one to the next, whole seconds, counted from 1970-01-01T00:00:00Z
 * @param offset by which all are later than a multiple of {@code every}; less than that
 * @param keep how many of each volume are kept, at least 1
 * @param chunkSectors what a snapshot copies at once, in sectors of 512 bytes, a power of two
 * @param storeBytes how large each store is at first; 0: as large as it can need
 * @param readOnly initiators cannot write to the snapshots
 */
public record ScheduleConfig(
    String name,
    List<String> volumes,
    Duration every,
    Duration offset,
    int keep,
    int chunkSectors,
    long storeBytes,
    boolean readOnly) {
  public ScheduleConfig {
    volumes = List.copyOf(volumes);
  }
}
