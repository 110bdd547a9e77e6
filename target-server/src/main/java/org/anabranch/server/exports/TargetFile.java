// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import java.util.Set;
import org.anabranch.block.file.FileDevice;
import org.anabranch.block.file.FileOptions;
import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.DurableFile;
import org.anabranch.server.state.StateDirectory;
import org.anabranch.server.storage.file.ExtendedAttribute;

/**
 * A file that appears when it is complete: it is written beside its place, as {@code NAME.part},
 * made durable, and renamed. Whatever ends the work before that leaves the place as it was.
 *
 * <dl>
 *   <dt>Who may read the file?
 *   <dd>Its owner alone, mode 0600, also where it replaces one that others may read.
 *   <dt>What if {@code NAME.part} exists?
 *   <dd>One that an export left behind at a crash is replaced; it carries a mark ({@code
 *       user.anabranch.part}). Anything else, a link included, is refused and left alone.
 *   <dt>What is never replaced?
 *   <dd>Without force, anything. With it, what is no regular file (so no link is followed), what is
 *       open or locked, and the server's own files.
 * </dl>
 */
final class TargetFile {
  /** Marks a file that an export has not completed. */
  private static final ExtendedAttribute LEFTOVER = new ExtendedAttribute("anabranch.part", 1);

  private static final Set<StandardOpenOption> CREATE_NEW =
      Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);

  private final Path path;
  private final Path part;

  /** Writes the contents. */
  interface Contents {
    void write(FileChannel out) throws IOException, RefusedException, ClientGoneException;
  }

  /** Refuses paths that belong to the server. */
  interface Guard {
    void refuseOwn(Path path) throws RefusedException;
  }

  /**
   * @throws RefusedException when something is there that must not be replaced
   */
  TargetFile(Path path, boolean force, Guard guard) throws RefusedException {
    this.path = path;
    this.part = path.resolveSibling(path.getFileName() + ".part");
    guard.refuseOwn(path);
    guard.refuseOwn(part);
    if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    if (!Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) {
      throw new RefusedException(path + " exists and is no regular file; name another file");
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
    try (FileChannel out = openPart()) {
      lock(out);
      replace(out, contents);
    } catch (IOException e) {
      throw new RefusedException(path + " cannot be written: " + StateDirectory.reason(e), e);
    }
  }

  private FileChannel openPart() throws IOException, RefusedException {
    deleteLeftover();
    FileChannel out;
    try {
      out =
          FileChannel.open(
              part,
              CREATE_NEW,
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    } catch (FileAlreadyExistsException e) {
      throw new RefusedException(
          part
              + " exists, where the export would be written first, and is none that an export left"
              + " behind: move it away, or name another file",
          e);
    }
    try {
      LEFTOVER.write(part, "1", LinkOption.NOFOLLOW_LINKS);
    } catch (IOException e) {
      // No attributes here: one that is left behind must be deleted by hand.
    }
    return out;
  }

  /** If the lock is free, no export writes it now. */
  private void deleteLeftover() throws IOException, RefusedException {
    if (!Files.isRegularFile(part, LinkOption.NOFOLLOW_LINKS) || !isMarked()) {
      return;
    }
    try (FileChannel old = FileChannel.open(part, StandardOpenOption.WRITE)) {
      lock(old);
      Files.delete(part);
    }
  }

  private boolean isMarked() {
    try {
      return LEFTOVER.isOn(part, LinkOption.NOFOLLOW_LINKS);
    } catch (IOException e) {
      return false;
    }
  }

  private void replace(FileChannel out, Contents contents)
      throws IOException, RefusedException, ClientGoneException {
    boolean complete = false;
    try {
      contents.write(out);
      unmark();
      out.force(true);
      Files.move(part, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      complete = true;
      DurableFile.syncFolder(Objects.requireNonNull(path.toAbsolutePath().getParent()));
    } finally {
      if (!complete) {
        Files.deleteIfExists(part);
      }
    }
  }

  private void unmark() throws IOException {
    if (isMarked()) {
      LEFTOVER.delete(part, LinkOption.NOFOLLOW_LINKS);
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
    throw new RefusedException(
        part + " is being written by another export: wait for its end, or name another file");
  }

  /** Makes a file longer that ends in zeros. */
  static void extend(FileChannel out, long bytes) throws IOException {
    if (out.size() < bytes) {
      write(out, ByteBuffer.allocate(1), bytes - 1);
    }
  }

  /** Writes the whole buffer at an offset. */
  static void write(FileChannel out, ByteBuffer data, long offset) throws IOException {
    for (long at = offset; data.hasRemaining(); ) {
      at += out.write(data, at);
    }
  }
}
