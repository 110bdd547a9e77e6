// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * An open file, by byte offsets: the operations that a {@link FileDevice} needs from the operating
 * system. Buffers are used from their position to their limit, which do not change. All methods
 * except {@link #readNow} and {@link #isQuick} may block; all may be called from any thread. A
 * failure is a {@link FileError}.
 */
interface RawFile {
  /** The result of {@link #readNow} and {@link #writeNow} when they would block. */
  int NOT_NOW = -1;

  /** Reads what is available without blocking: the number of bytes, or {@link #NOT_NOW}. */
  int readNow(ByteBuffer data, long offset);

  /** Whether a write is probably quick, see {@link QuickWrites}. Never blocks. */
  boolean isQuick(ByteBuffer data, long offset);

  /**
   * Writes if that is still probably quick: the number of bytes, or {@link #NOT_NOW}. May block all
   * the same, for as long as the file system hangs.
   */
  int writeNow(ByteBuffer data, long offset);

  /** Reads at least one byte; 0 at the end of the file. */
  int read(ByteBuffer data, long offset) throws IOException;

  /** Writes at least one byte; with {@code durable}, they are on the medium on return. */
  int write(ByteBuffer data, long offset, boolean durable) throws IOException;

  /** Makes all written data durable. */
  void sync() throws IOException;

  /** Releases storage; the range then reads as zeros. */
  void punchHole(long offset, long length) throws IOException;

  /** Makes a range read as zeros, keeping its storage. */
  void zeroRange(long offset, long length) throws IOException;

  /** The first byte from {@code offset} on that has storage; {@link Long#MAX_VALUE} if none has. */
  long nextData(long offset) throws IOException;

  /** The first byte from {@code offset} on without storage; the file's end counts as one. */
  long nextHole(long offset) throws IOException;

  /** Length in bytes. */
  long size() throws IOException;

  /** The number of names (hard links) of the file; 0 if it was deleted, 1 if that is unknown. */
  int links() throws IOException;

  /**
   * Changes the length of a regular file; the new part is a hole. Does nothing to a block device.
   */
  void resize(long newSize) throws IOException;

  /** Locks the whole file against other processes; false if another one has it. Never blocks. */
  boolean tryLock(boolean shared) throws IOException;

  /** Closes the file, which releases the lock. */
  void close() throws IOException;
}
