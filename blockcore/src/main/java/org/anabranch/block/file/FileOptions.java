// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

/**
 * How a file is to be used.
 *
 * @param sectors the device's length; 0: what the file has. A file that is absent is made with that
 *     length, all of it a hole; so is one that is empty, which has nothing to lose
 * @param logicalBlockSize bytes, a power of two of at least 512
 * @param physicalBlockSize bytes, a multiple of it
 * @param readOnly never written; other processes may read it too
 * @param threads the most threads that wait for this file, at least 1
 * @param queue the most requests that wait for a thread, at least 1
 */
public record FileOptions(
    long sectors,
    int logicalBlockSize,
    int physicalBlockSize,
    boolean readOnly,
    int threads,
    int queue) {
  /** The file as it is, writable, 512-byte blocks on pages of 4096 bytes. */
  public static final FileOptions DEFAULT = new FileOptions(0, 512, 4096, false, 8, 65_536);

  public FileOptions {
    if (sectors < 0 || sectors > Long.MAX_VALUE / 512 || threads < 1 || queue < 1) {
      throw new IllegalArgumentException(
          sectors + " sectors, " + threads + " threads, queue of " + queue);
    }
  }

  public FileOptions withSectors(long newSectors) {
    return new FileOptions(
        newSectors, logicalBlockSize, physicalBlockSize, readOnly, threads, queue);
  }

  public FileOptions withBlockSizes(int logical, int physical) {
    return new FileOptions(sectors, logical, physical, readOnly, threads, queue);
  }

  public FileOptions withReadOnly(boolean isReadOnly) {
    return new FileOptions(
        sectors, logicalBlockSize, physicalBlockSize, isReadOnly, threads, queue);
  }

  public FileOptions withPool(int newThreads, int newQueue) {
    return new FileOptions(
        sectors, logicalBlockSize, physicalBlockSize, readOnly, newThreads, newQueue);
  }
}
