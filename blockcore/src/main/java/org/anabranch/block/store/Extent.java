// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

/**
 * The answer of {@link ExceptionTable#lookup} and {@link ExceptionTable#next}: a range of chunks
 * with one fate. The caller provides it, so that a lookup allocates nothing; it is guarded as the
 * table is.
 */
public final class Extent {
  boolean mapped;
  long oldChunk;
  long newChunk;
  long length;

  /** Whether these chunks have exceptions. */
  public boolean mapped() {
    return mapped;
  }

  /** The first chunk, as the origin counts. */
  public long oldChunk() {
    return oldChunk;
  }

  /** Where the first chunk is found on the COW device; only when {@link #mapped}. */
  public long newChunk() {
    return newChunk;
  }

  /** For how many chunks that holds, consecutive in both numberings; at least 1. */
  public long length() {
    return length;
  }

  @Override
  public String toString() {
    return oldChunk + "+" + length + (mapped ? " -> " + newChunk : " unmapped");
  }
}
