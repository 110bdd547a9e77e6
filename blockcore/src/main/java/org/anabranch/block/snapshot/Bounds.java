// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

/**
 * How much snapshots take of a machine.
 *
 * @param copyBytes memory for copies, over all origins of a mapper; at least a page is taken
 * @param copies copies in flight for one origin before new requests that need one wait
 * @param firstBatchBytes what a merge merges first; later batches are as large as time allows
 */
public record Bounds(long copyBytes, int copies, long firstBatchBytes) {
  /** 64 MiB, 2048 copies, batches from 256 KiB on. */
  public static final Bounds DEFAULT = new Bounds(64 << 20, 2048, 256 << 10);

  public Bounds {
    if (copyBytes < 1 || copies < 1 || firstBatchBytes < 1) {
      throw new IllegalArgumentException("bounds must be positive");
    }
  }
}
