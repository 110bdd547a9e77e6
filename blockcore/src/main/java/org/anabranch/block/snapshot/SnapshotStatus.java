// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

/**
 * The state of a snapshot or merge, and how full its store is.
 *
 * @param state what holds of it
 * @param allocatedSectors sectors of the COW device that are in use, {@code metadataSectors}
 *     included
 * @param totalSectors sectors of the COW device
 * @param metadataSectors sectors of the store's own records; a store with nothing else is empty
 */
public record SnapshotStatus(
    State state, long allocatedSectors, long totalSectors, long metadataSectors) {
  /** What holds of a snapshot, the worst first. */
  public enum State {
    /** It lost what it had, and a restart finds it so; or its store was handed over. */
    INVALID,
    /** Its merge stopped at an error; suspended and resumed, it goes on. */
    MERGE_FAILED,
    /** Its store is full: it can be read, and takes no more writes. */
    OVERFLOWED,
    /** It waits for a store that another table has. */
    AWAITING_HANDOVER,
    /** None of these. */
    VALID
  }

  /** Allocated sectors in percent of all, rounded down; 0 of nothing. */
  public int percent() {
    return totalSectors == 0 ? 0 : (int) (100.0 * allocatedSectors / totalSectors);
  }

  /** Whether the store holds no exceptions. */
  public boolean isEmpty() {
    return allocatedSectors == metadataSectors;
  }

  /** The status line behind the type, as dmsetup prints it. */
  @Override
  public String toString() {
    return switch (state) {
      case INVALID -> "Invalid";
      case MERGE_FAILED -> "Merge failed";
      case OVERFLOWED -> "Overflow";
      case AWAITING_HANDOVER, VALID ->
          allocatedSectors + "/" + totalSectors + " " + metadataSectors;
    };
  }
}
