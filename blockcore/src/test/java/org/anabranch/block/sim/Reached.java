// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

/** What a {@link History} may come to: enough of them must, or they prove little. */
enum Reached {
  /** A full store of type PO kept its reads. */
  OVERFLOW,
  /** A snapshot became invalid. */
  INVALID,
  /** A merge that got its store from a snapshot in use came to its end. */
  MERGED_BY_HANDOVER,
  /** A merge began with two other snapshots or more. */
  MERGE_BESIDE_TWO,
  /** A merge came to its end whose snapshot was kept. */
  KEPT,
  /** The power was cut while a merge whose snapshot is kept was under way. */
  CUT_IN_KEEPING_MERGE,
  /** The power was cut while a merge was under way. */
  CUT_IN_MERGE,
  /** The power was cut before all was up again. */
  CUT_IN_BOOT,
  /** A disk failed a request. */
  FAULT,
  /** A disk was read-only after a failed flush or FUA write. */
  READ_ONLY,
  /** A merge failed. */
  MERGE_FAILED,
  /** It was begun again, and came to its end. */
  MERGED_AFTER_FAILURE,
  /** A flush of a COW disk failed. */
  COW_FLUSH_FAILED,
  /** A discard on a snapshot could be passed down to the volume. */
  PASSED_DOWN,
  /** A store was handed over to a shorter device. */
  SHORTENED,
  /** A snapshot was made that is shorter than the volume. */
  SHORT_SNAPSHOT,
  /** A merge ended before it had a store. */
  MERGE_CANCELLED,
  /** A store became longer when it was full. */
  EXTENDED,
  /** Writes were acknowledged from a ring before a crash. */
  CACHED,
  /** A ring was full before a crash. */
  RING_FULL,
  /** The process died, and the power stayed on. */
  PROCESS_DIED,
  /** What a process had left in a ring was replayed. */
  REPLAYED,
  /** A crash came in the middle of that. */
  CUT_IN_REPLAY,
}
