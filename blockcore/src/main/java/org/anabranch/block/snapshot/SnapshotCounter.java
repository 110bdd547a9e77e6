// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import org.anabranch.block.count.Counter;

/** What a snapshot counts, on the device that has its store. */
public enum SnapshotCounter implements Counter {
  COW_COPIES("Chunks copied from the origin because one of the two was about to change"),
  COW_COPIED_BYTES("Bytes of these chunks"),
  WRITE_FILLED_CHUNKS("Chunks filled by a write to the snapshot that covered them, without a copy"),
  STORE_EXTENSIONS("Times that a full store asked for a longer device"),
  INVALIDATIONS("Times that a snapshot was lost"),
  OVERFLOWS("Times that a snapshot stopped to take writes because its store was full");

  private final String words;

  SnapshotCounter(String words) {
    this.words = words;
  }

  @Override
  public String words() {
    return words;
  }

  @Override
  public String layer() {
    return "snapshot";
  }
}
