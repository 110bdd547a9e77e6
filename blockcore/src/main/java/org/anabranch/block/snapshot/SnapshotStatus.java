// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

/**
 * The state of a snapshot or merge, and the usage of its store.
 *
 * @param state the snapshot's state
 * @param allocatedSectors used sectors of the COW device, including {@code metadataSectors}
 * @param totalSectors sectors of the COW device
 * @param metadataSectors sectors of the store's own records; a store with nothing else is empty
 */
public record SnapshotStatus(
    State state, long allocatedSectors, long totalSectors, long metadataSectors) {
  /** The state of a snapshot, worst first. */
  public enum State {
    /** It has lost data, which a restart will find too; or its store was handed over. */
    INVALID,
    /** Its merge stopped at an error; after a suspend and resume it continues. */
    MERGE_FAILED,
    /** Its store is full: it can be read, and refuses writes. */
    OVERFLOWED,
    /** It waits for a store that another table holds. */
    AWAITING_HANDOVER,
    /** None of these. */
    VALID
  }

  /** Allocated sectors in percent of the total, rounded down; 0 if the total is 0. */
  public int percent() {
    return totalSectors == 0 ? 0 : (int) (100.0 * allocatedSectors / totalSectors);
  }

  /** Whether the store holds no exceptions. */
  public boolean isEmpty() {
    return allocatedSectors == metadataSectors;
  }

  /** The status line after the type, as dmsetup prints it. */
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
