// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

/**
 * How a file is used.
 *
 * @param sectors the device's length; 0 means the length of the file. If the file does not exist,
 *     or is empty and has nothing to lose, it gets this length as a single hole
 * @param logicalBlockSize bytes, a power of two of at least 512
 * @param physicalBlockSize bytes, a multiple of {@code logicalBlockSize}
 * @param readOnly never written; other processes may read it at the same time
 * @param threads the largest number of threads that wait for this file, at least 1
 * @param queue the largest number of requests that wait for a thread, at least 1
 */
public record FileOptions(
    long sectors,
    int logicalBlockSize,
    int physicalBlockSize,
    boolean readOnly,
    int threads,
    int queue) {
  /** The file's own length, writable, logical blocks of 512 and physical blocks of 4096 bytes. */
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
