// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import org.anabranch.server.terminal.Sizes;

/**
 * How long a file can be. A file system has a limit, such as 16 TiB less a block for ext4 with
 * blocks of 4 KiB, and a process may have one ({@code ulimit -f}). Neither can be asked for, so
 * lengths are tried, on a file that has no contents yet and keeps none.
 */
public final class FileLengths {
  /** The precision of the search, bytes. */
  private static final long STEP = 1 << 20;

  private FileLengths() {}

  /** Makes a file end at a byte; 0 empties it. */
  interface Ending {
    void at(long bytes) throws IOException;
  }

  /**
   * Makes an empty file as long as wanted, or else as long as it can be; what is new is a hole, but
   * for its last block.
   *
   * @param path for messages
   * @param least bytes; it is refused to be shorter
   * @return how long it is now, bytes
   * @throws IOException when it cannot be as long as {@code least}
   */
  public static long extend(FileChannel file, Path path, long wanted, long least)
      throws IOException {
    return extend(bytes -> end(file, bytes), path, wanted, least);
  }

  /** The same for any file. */
  static long extend(Ending file, Path path, long wanted, long least) throws IOException {
    IOException tooLarge;
    try {
      file.at(wanted);
      return wanted;
    } catch (IOException e) {
      if (!isTooLarge(e)) {
        throw e;
      }
      tooLarge = e;
    }
    long most = most(file, wanted);
    if (most < least) {
      throw new IOException(
          path
              + ": no file there can have "
              + Sizes.bytes((double) least)
              + "; the largest one has "
              + Sizes.bytes((double) most)
              + ": name a smaller store with --size, which grows when it must",
          tooLarge);
    }
    file.at(most);
    return most;
  }

  /** The longest that the file can be made, below a length that it cannot have. */
  private static long most(Ending file, long tooLong) throws IOException {
    long good = 0;
    long bad = tooLong;
    while (bad - good > STEP) {
      long tried = (good + (bad - good) / 2) / STEP * STEP;
      if (tried <= good) {
        break;
      }
      try {
        file.at(tried);
        good = tried;
      } catch (IOException e) {
        if (!isTooLarge(e)) {
          throw e;
        }
        bad = tried;
      }
      file.at(0);
    }
    return good;
  }

  /** A zero in the last byte: a channel has no call that only extends. */
  private static void end(FileChannel file, long bytes) throws IOException {
    if (bytes == 0) {
      file.truncate(0);
    } else {
      file.write(ByteBuffer.allocate(1), bytes - 1);
    }
  }

  /** EFBIG, for which the JDK has no type. */
  private static boolean isTooLarge(IOException e) {
    String words = String.valueOf(e.getMessage());
    return words.contains("File too large") || words.contains("Invalid argument");
  }
}
