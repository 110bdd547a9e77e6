// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Shares blocks of one file with another one ("reflink"): both read the same, and a write to either
 * gets a block of its own. XFS, Btrfs, bcachefs and OCFS2 can do that within one file system. One
 * thread.
 *
 * <p>While a range is shared the file system holds back writes to it, so ranges of a file that is
 * in use should not be large. Neither file's lock is touched: locks of this package belong to open
 * file descriptions.
 */
public final class Reflink implements AutoCloseable {
  private final Path from;
  private final Path to;
  private final int source;
  private final int destination;

  private Reflink(Path from, Path to, int source, int destination) {
    this.from = from;
    this.to = to;
    this.source = source;
    this.destination = destination;
  }

  /**
   * Opens both files.
   *
   * @param from which is read
   * @param to which gets the blocks; it exists
   * @return null where this system has no such calls
   */
  public static @Nullable Reflink open(Path from, Path to) throws IOException {
    if (!Linux.isHere() || !Boolean.parseBoolean(System.getProperty(FileOpening.NATIVE, "true"))) {
      return null;
    }
    int source = opened(from, Linux.O_RDONLY);
    try {
      return new Reflink(from, to, source, opened(to, Linux.O_RDWR));
    } catch (IOException e) {
      Linux.close(source);
      throw e;
    }
  }

  private static int opened(Path path, int flags) throws IOException {
    int fd = Linux.open(path.toString(), flags);
    if (fd < 0) {
      throw Linux.error(path.toString(), -fd);
    }
    return fd;
  }

  /**
   * Shares a range, at the same place in both files; the destination becomes longer if need be.
   *
   * @param offset bytes, a multiple of the file system's blocks
   * @param length bytes, a multiple of them; 0: up to the end of the source
   * @return false when the file system cannot do that, or not between these files; nothing changed
   * @throws IOException when it fails otherwise, such as without space
   */
  public boolean share(long offset, long length) throws IOException {
    int result = Linux.cloneRange(source, destination, offset, length);
    return switch (-result) {
      case 0 -> true;
      case Linux.EOPNOTSUPP, Linux.EXDEV, Linux.EINVAL, Linux.ENOTTY, Linux.ENOSYS, Linux.EPERM ->
          false;
      default ->
          throw Linux.error(to + " cannot share the blocks of " + from + " at " + offset, -result);
    };
  }

  /** Makes a hole in the destination, which reads as zeros; bytes. */
  public void punch(long offset, long length) throws IOException {
    int result =
        Linux.fallocate(
            destination, Linux.FALLOC_PUNCH_HOLE | Linux.FALLOC_KEEP_SIZE, offset, length);
    if (result < 0) {
      throw Linux.error(to + " cannot have a hole at " + offset, -result);
    }
  }

  @Override
  public void close() {
    Linux.close(source);
    Linux.close(destination);
  }
}
