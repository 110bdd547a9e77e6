// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import java.util.Set;
import org.anabranch.block.file.FileDevice;
import org.anabranch.block.file.FileOptions;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Verb.ClientGoneException;
import org.anabranch.server.state.DurableFile;
import org.anabranch.server.state.StateDirectory;

/**
 * A file that appears when it is complete: it is written beside its place, as {@code NAME.part},
 * made durable, and renamed. Whatever ends the work before that leaves the place as it was; a
 * {@code .part} that a crash left behind is written over by the next one.
 */
final class TargetFile {
  private final Path path;
  private final Path part;

  /** Writes the contents. */
  interface Contents {
    void write(RandomAccessFile out) throws IOException, RefusedException, ClientGoneException;
  }

  /**
   * @throws RefusedException when something is there that must not be replaced
   */
  TargetFile(Path path, boolean force) throws RefusedException {
    this.path = path;
    this.part = path.resolveSibling(path.getFileName() + ".part");
    if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    if (!Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) {
      throw new RefusedException(path + " exists and is no regular file");
    }
    if (!force) {
      throw new RefusedException(path + " exists; --force replaces it");
    }
    refuseWhatIsInUse();
  }

  /** A volume's file must not be replaced under a server, this one included. */
  private void refuseWhatIsInUse() throws RefusedException {
    try {
      if (Files.size(path) >= 512) {
        FileOptions reading = FileOptions.DEFAULT.withReadOnly(true);
        FileDevice.open(path.toString(), path, reading).close().toCompletableFuture().join();
      }
    } catch (IOException e) {
      throw new RefusedException(StateDirectory.reason(e), e);
    }
  }

  void write(Contents contents) throws RefusedException, ClientGoneException {
    try {
      makePart();
      try (RandomAccessFile out = new RandomAccessFile(part.toFile(), "rw")) {
        Object mine = identity();
        lock(out.getChannel());
        if (!mine.equals(identity())) {
          throw new RefusedException(part + " was written by another export");
        }
        replace(out, contents);
      }
    } catch (IOException e) {
      throw new RefusedException(path + " cannot be written: " + StateDirectory.reason(e), e);
    }
  }

  /** Only its owner may read it. */
  private void makePart() throws IOException {
    FileChannel.open(
            part,
            Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))
        .close();
  }

  private Object identity() throws IOException {
    return Objects.requireNonNull(
        Files.readAttributes(part, BasicFileAttributes.class).fileKey(), "no inode");
  }

  private void replace(RandomAccessFile out, Contents contents)
      throws IOException, RefusedException, ClientGoneException {
    boolean complete = false;
    try {
      out.setLength(0);
      contents.write(out);
      out.getChannel().force(true);
      Files.move(part, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      complete = true;
      DurableFile.syncFolder(Objects.requireNonNull(path.toAbsolutePath().getParent()));
    } finally {
      if (!complete) {
        Files.deleteIfExists(part);
      }
    }
  }

  private void lock(FileChannel out) throws IOException, RefusedException {
    try {
      if (out.tryLock() != null) {
        return;
      }
    } catch (OverlappingFileLockException e) {
      // by this very process
    }
    throw new RefusedException(part + " is being written by another export");
  }

  /** Writes the whole buffer at an offset. */
  static void write(FileChannel out, ByteBuffer data, long offset) throws IOException {
    for (long at = offset; data.hasRemaining(); ) {
      at += out.write(data, at);
    }
  }
}
