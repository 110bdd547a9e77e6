// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import org.anabranch.block.count.Counter;

/** What merges count, on the device that is merged into. It goes on with the next merge. */
public enum MergeCounter implements Counter {
  STARTS("Times that a merge began, or began again"),
  COMPLETIONS("Merges that came to their end"),
  FAILURES("Errors that stopped a merge"),
  BATCHES("Batches merged; each costs a flush of both devices and a write of records"),
  RUNS("Runs of consecutive chunks in these batches"),
  CHUNKS("Chunks in these batches"),
  COPIED_BYTES("Bytes copied from the store to the origin, for failed batches, too"),
  INTERLOCK_WAITS("Times that a write waited because its sectors were being copied"),
  MIRRORED_WRITES("Writes made to both devices, since their sectors were copied and not committed");

  private final String words;

  MergeCounter(String words) {
    this.words = words;
  }

  @Override
  public String words() {
    return words;
  }

  @Override
  public String layer() {
    return "merge";
  }
}
