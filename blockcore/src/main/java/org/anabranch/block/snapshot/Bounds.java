// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

/**
 * The resources that snapshots may use.
 *
 * @param copyBytes memory for copies, for all origins of a mapper; at least one page is used
 * @param copies copies in flight for one origin, beyond which new requests that need a copy wait
 * @param firstBatchBytes size of a merge's first batch; later ones are as large as time allows
 */
public record Bounds(long copyBytes, int copies, long firstBatchBytes) {
  /** 64 MiB, 2048 copies, batches from 256 KiB. */
  public static final Bounds DEFAULT = new Bounds(64 << 20, 2048, 256 << 10);

  public Bounds {
    if (copyBytes < 1 || copies < 1 || firstBatchBytes < 1) {
      throw new IllegalArgumentException("bounds must be positive");
    }
  }
}
