// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Set;
import org.anabranch.server.base.RefusedException;
import org.jspecify.annotations.Nullable;

/**
 * The folder that one server owns while it runs.
 *
 * <pre>
 *   lock           locked by the server that runs; holds its process id
 *   server-id      16 hexadecimal digits, made once
 *   identities     serial numbers and NAA designators of disks
 *   ports          relative port identifiers of target ports
 *   control.sock   where control commands connect
 *   state.json     what was made at run time
 *   uses.json      which initiators use which volumes
 *   cow/           stores of snapshots
 *   received/      streams that volumes are to become
 *   invalid/       which stores are invalid though they could not be marked so
 *   volumes/       what is known of the file of each volume
 *   reservations/  persistent reservations that survive a restart, one file for each unit
 *   images/        images of volumes that were made at run time, unless image-dir says otherwise
 * </pre>
 */
public final class StateDirectory implements AutoCloseable {
  private static final int ID_BYTES = 8;
  private static final String SERVER_ID = "server-id";

  private final Path folder;
  private final FileChannel lock;
  private final String serverId;
  private final boolean wasUsed;

  private StateDirectory(Path folder, FileChannel lock, String serverId, boolean wasUsed) {
    this.folder = folder;
    this.lock = lock;
    this.serverId = serverId;
    this.wasUsed = wasUsed;
  }

  /**
   * Makes the folder if it is absent, and locks it.
   *
   * @throws RefusedException when it cannot be used, or another server uses it
   */
  public static StateDirectory open(Path folder) throws RefusedException {
    FileChannel lock = null;
    try {
      make(folder);
      lock =
          FileChannel.open(
              folder.resolve("lock"),
              Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE),
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      lock(folder, lock);
      boolean wasUsed = Files.exists(folder.resolve(SERVER_ID));
      return new StateDirectory(folder, lock, serverId(folder), wasUsed);
    } catch (IOException e) {
      close(lock);
      throw new RefusedException("state-dir " + folder + " cannot be used: " + reason(e), e);
    } catch (RefusedException e) {
      close(lock);
      throw e;
    }
  }

  /** Only its owner may look into a folder that is made; one that is there stays as it is. */
  private static void make(Path folder) throws IOException {
    if (Files.isDirectory(folder)) {
      return;
    }
    Path parent = folder.toAbsolutePath().getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
    try {
      Files.createDirectory(
          folder,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    } catch (FileAlreadyExistsException e) {
      if (!Files.isDirectory(folder)) {
        throw e;
      }
    }
  }

  private static void lock(Path folder, FileChannel channel) throws IOException, RefusedException {
    FileLock held;
    try {
      held = channel.tryLock();
    } catch (OverlappingFileLockException e) {
      held = null; // by this very process
    }
    if (held == null) {
      ByteBuffer pid = ByteBuffer.allocate(20);
      channel.read(pid, 0);
      String owner = new String(pid.array(), 0, pid.position(), StandardCharsets.US_ASCII).strip();
      throw new RefusedException(
          "state-dir "
              + folder
              + " is in use by another server"
              + (owner.matches("[0-9]+") ? ", process " + owner : ""));
    }
    channel.truncate(0);
    channel.write(
        ByteBuffer.wrap((ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII)),
        0);
  }

  private static String serverId(Path folder) throws IOException, RefusedException {
    DurableFile file = new DurableFile(folder.resolve(SERVER_ID));
    if (!file.exists()) {
      byte[] random = new byte[ID_BYTES];
      new SecureRandom().nextBytes(random);
      file.write(HexFormat.of().formatHex(random) + "\n");
    }
    String id = file.read(1024).strip();
    if (!id.matches("[0-9a-f]{" + 2 * ID_BYTES + "}")) {
      throw new RefusedException(
          file.path()
              + " is damaged: it holds no "
              + 2 * ID_BYTES
              + " hexadecimal digits; restore it from a backup, or delete it: then hosts may see other"
              + " disks");
    }
    return id;
  }

  /**
   * Whether a path lies in a state directory or is that, whether it exists or not, and whichever
   * links lead there.
   *
   * @param folder the state directory, which exists
   */
  public static boolean owns(Path folder, Path path) {
    for (Path at = path.toAbsolutePath(); at != null; at = at.getParent()) {
      if (isSame(folder, at) || isSame(folder, at.normalize())) {
        return true;
      }
      try {
        if (Files.exists(at)) {
          return at.toRealPath().startsWith(folder.toRealPath());
        }
      } catch (IOException e) {
        return true; // it cannot be told
      }
    }
    return false;
  }

  private static boolean isSame(Path folder, Path other) {
    try {
      return folder.toAbsolutePath().normalize().equals(other)
          || (Files.exists(other) && Files.isSameFile(folder, other));
    } catch (IOException e) {
      return false; // what cannot be looked at is another folder
    }
  }

  /** Why a file operation failed, in few words. */
  public static String reason(IOException e) {
    if (e instanceof java.nio.file.AccessDeniedException denied) {
      return "permission denied on " + denied.getFile();
    }
    if (e instanceof java.nio.file.NoSuchFileException absent) {
      return "no such file or folder: " + absent.getFile();
    }
    if (e instanceof java.nio.file.FileAlreadyExistsException exists) {
      return exists.getFile() + " is not a folder";
    }
    if (e instanceof FileSystemException fs && fs.getReason() != null) {
      return fs.getFile() + ": " + fs.getReason();
    }
    return String.valueOf(e.getMessage());
  }

  public Path folder() {
    return folder;
  }

  /** 16 hexadecimal digits that stay the same for the life of the folder. */
  public String serverId() {
    return serverId;
  }

  /** Whether a server used the folder before this one. */
  public boolean wasUsed() {
    return wasUsed;
  }

  /** Lets another server have it. */
  @Override
  public void close() {
    close(lock);
  }

  private static void close(@Nullable FileChannel channel) {
    if (channel != null) {
      try {
        channel.close();
      } catch (IOException e) {
        throw new java.io.UncheckedIOException("lock of the state directory", e);
      }
    }
  }
}
