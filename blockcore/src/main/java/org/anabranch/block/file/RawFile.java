// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * An open file, by byte offsets: what a {@link FileDevice} needs of an operating system. Buffers
 * are used from their position to their limit, which do not move. Every method but {@link #readNow}
 * and {@link #writeNow} may block; all may be called from any thread. A failure is a {@link
 * FileError}.
 */
interface RawFile {
  /** Given by {@link #readNow} and {@link #writeNow} when it would mean to wait. */
  int NOT_NOW = -1;

  /** Reads what can be had without waiting: the number of bytes, or {@link #NOT_NOW}. */
  int readNow(ByteBuffer data, long offset);

  /**
   * Writes what hardly means to wait ({@link QuickWrites}): the number of bytes, or {@link
   * #NOT_NOW}.
   */
  int writeNow(ByteBuffer data, long offset);

  /** Reads at least one byte; 0 at the file's end. */
  int read(ByteBuffer data, long offset) throws IOException;

  /** Writes at least one byte; with {@code durable}, they are on the medium when it returns. */
  int write(ByteBuffer data, long offset, boolean durable) throws IOException;

  /** Makes everything that was written durable. */
  void sync() throws IOException;

  /** Gives storage back; the range reads as zeros. */
  void punchHole(long offset, long length) throws IOException;

  /** Makes a range read as zeros, keeping its storage. */
  void zeroRange(long offset, long length) throws IOException;

  /** First byte from {@code offset} on that has storage; {@link Long#MAX_VALUE} if none has. */
  long nextData(long offset) throws IOException;

  /** First byte from {@code offset} on that has none; the file's end is such a byte. */
  long nextHole(long offset) throws IOException;

  /** Length in bytes. */
  long size() throws IOException;

  /** How many names the file has in its file system; 0: it was deleted. 1 where that is unknown. */
  int links() throws IOException;

  /**
   * Gives a regular file another length; what is new is a hole. A block device has the length that
   * it has: nothing happens.
   */
  void resize(long newSize) throws IOException;

  /** Locks the whole file against other processes, without waiting: false if another has it. */
  boolean tryLock(boolean shared) throws IOException;

  /** Closes the file, which gives up the lock. */
  void close() throws IOException;
}
