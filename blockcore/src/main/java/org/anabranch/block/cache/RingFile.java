// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.cache;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A {@link Ring} in a mapped file, which one process uses at a time. All of its space is allocated
 * when it is made: a mapped page that the file system has no space for would end the process.
 */
public final class RingFile implements AutoCloseable {
  private static final int PIECE = 1 << 20;
  private static final Pattern UNSUITABLE =
      Pattern.compile("btrfs|zfs|bcachefs|nfs4?|cifs|smb3|9p|ceph|glusterfs|fuse.*");

  private final Path path;
  private final FileChannel channel;
  private final Ring ring;

  private RingFile(Path path, FileChannel channel, Ring ring) {
    this.path = path;
    this.channel = channel;
    this.ring = ring;
  }

  /**
   * Opens the ring in a file, and makes it if it is absent. A file of another size gets this one,
   * unless a process has left writes in it: then it stays as it is.
   *
   * @param segments of {@link Ring#SEGMENT_BYTES}, at least 1
   * @throws IOException with a message of one line that starts with the path: it is in use, or
   *     can't be made, or there is no space for it
   */
  public static RingFile open(Path path, int segments, BootId boot) throws IOException {
    FileChannel channel =
        FileChannel.open(
            path,
            Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    try {
      lock(path, channel);
      return new RingFile(path, channel, open(path, channel, segments, boot));
    } catch (IOException | RuntimeException | Error e) {
      channel.close();
      throw e;
    }
  }

  private static void lock(Path path, FileChannel channel) throws IOException {
    FileLock lock;
    try {
      lock = channel.tryLock();
    } catch (OverlappingFileLockException e) {
      throw new IOException(path + ": in use by this process", e);
    }
    if (lock == null) {
      throw new IOException(path + ": in use by another process");
    }
  }

  private static Ring open(Path path, FileChannel channel, int segments, BootId boot)
      throws IOException {
    long size = Ring.bytes(segments, Ring.SEGMENT_BYTES);
    long found = channel.size();
    if (found >= Ring.bytes(1, Ring.SEGMENT_BYTES)) {
      Ring ring = Ring.open(map(channel, found), Ring.SEGMENT_BYTES, boot);
      if (found == size || !ring.owners().isEmpty()) {
        return ring;
      }
    }
    try {
      allocate(channel, size);
    } catch (IOException e) {
      Files.deleteIfExists(path); // it holds nothing, and would only take the space that is left
      throw new IOException(path + ": " + e.getMessage(), e);
    }
    return Ring.open(map(channel, size), Ring.SEGMENT_BYTES, boot);
  }

  private static void allocate(FileChannel channel, long size) throws IOException {
    channel.truncate(0);
    ByteBuffer zeros = ByteBuffer.allocateDirect(PIECE);
    for (long at = 0; at < size; ) {
      zeros.clear().limit((int) Math.min(PIECE, size - at));
      at += channel.write(zeros, at);
    }
  }

  /**
   * Whether a ring may be where {@code path} is. A file system that writes each block to a new
   * place, or over a network, may have no space or no answer for a page that is mapped already, and
   * the kernel would end the process.
   *
   * @return the type of the file system if it is such a one; null otherwise, and if it is not known
   */
  public static @Nullable String unsuitable(Path path) {
    try {
      Path folder = Objects.requireNonNull(path.toAbsolutePath().getParent(), "a file");
      String type = Files.getFileStore(folder).type();
      return UNSUITABLE.matcher(type).matches() ? type : null;
    } catch (IOException e) {
      return null; // the file can't be made there either
    }
  }

  private static MemorySegment map(FileChannel channel, long size) throws IOException {
    return channel.map(FileChannel.MapMode.READ_WRITE, 0, size, Arena.ofAuto());
  }

  /** The ring. */
  public Ring ring() {
    return ring;
  }

  /** Where it is. */
  public Path path() {
    return path;
  }

  /** Lets another process use the file, which must not be used here any more. */
  @Override
  public void close() throws IOException {
    channel.close();
  }

  /** The same, and deletes the file. */
  public void delete() throws IOException {
    Files.deleteIfExists(path);
    close();
  }
}
