// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

/**
 * The result of {@link ExceptionTable#lookup} and {@link ExceptionTable#next}: a range of chunks
 * that are mapped alike. The caller provides the object, so that a lookup allocates nothing. It is
 * guarded by the same lock as the table.
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

  /** The first chunk, in the origin's numbering. */
  public long oldChunk() {
    return oldChunk;
  }

  /** The first chunk on the COW device; only if {@link #mapped}. */
  public long newChunk() {
    return newChunk;
  }

  /** The number of chunks, consecutive in both numberings; at least 1. */
  public long length() {
    return length;
  }

  @Override
  public String toString() {
    return oldChunk + "+" + length + (mapped ? " -> " + newChunk : " unmapped");
  }
}
