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
import java.util.List;
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
 *   schedules.json when snapshots were taken by schedules
 *   hooks.json     operations of which an after- hook has yet to run
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
  private final Lock lock;
  private final String serverId;
  private final boolean wasUsed;

  private StateDirectory(Path folder, Lock lock, String serverId, boolean wasUsed) {
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
    Lock lock = lock(folder);
    try {
      if (isHalfRestored(folder)) {
        throw new RefusedException(
            "state-dir "
                + folder
                + ": a restore of its state was interrupted; run anabranch state restore again");
      }
      boolean wasUsed = Files.exists(folder.resolve(SERVER_ID));
      return new StateDirectory(folder, lock, serverId(folder), wasUsed);
    } catch (IOException e) {
      lock.close();
      throw new RefusedException("state-dir " + folder + " cannot be used: " + reason(e), e);
    } catch (RefusedException e) {
      lock.close();
      throw e;
    }
  }

  /** Small files of the folder that a server needs after a restart, by their names. */
  public static final List<String> FILES =
      List.of("identities", "ports", "schedules.json", SERVER_ID, "state.json", "uses.json");

  /** Folders in it that have only such files. */
  public static final List<String> FOLDERS = List.of("invalid", "reservations", "volumes");

  /** Says that a restore of the folder's state has begun and not ended. */
  private static final String RESTORING = "restoring";

  /** The mark of a restore that is under way. */
  public static DurableFile restoring(Path folder) {
    return new DurableFile(folder.resolve(RESTORING));
  }

  /** Whether a restore has begun and not ended: the files are partly those of before. */
  public static boolean isHalfRestored(Path folder) {
    return restoring(folder).exists();
  }

  /** Keeps a folder from being used by a server, or by anybody else who asks. */
  public static final class Lock implements AutoCloseable {
    private final FileChannel channel;

    private Lock(FileChannel channel) {
      this.channel = channel;
    }

    @Override
    public void close() {
      try {
        channel.close();
      } catch (IOException e) {
        throw new java.io.UncheckedIOException("lock of the state directory", e);
      }
    }
  }

  /**
   * Makes the folder if it is absent, and locks it.
   *
   * @throws RefusedException when it cannot be used, or somebody else uses it
   */
  public static Lock lock(Path folder) throws RefusedException {
    FileChannel channel = null;
    try {
      make(folder);
      channel =
          FileChannel.open(
              folder.resolve("lock"),
              Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE),
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      lock(folder, channel);
      return new Lock(channel);
    } catch (IOException e) {
      close(channel);
      throw new RefusedException("state-dir " + folder + " cannot be used: " + reason(e), e);
    } catch (RefusedException e) {
      close(channel);
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
      if (parent != null) {
        DurableFile.syncFolder(parent);
      }
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

  /** Other names in the folder that are the server's; its administrator may have more there. */
  private static final Set<String> OTHERS =
      Set.of("lock", "control.sock", "cow", "hooks.json", "images", "received", RESTORING);

  /** Whether a name in the folder is the server's, or that of a draft of a file of its own. */
  private static boolean isOwn(String name) {
    String file = name.endsWith(".new") ? name.substring(0, name.length() - 4) : name;
    return FILES.contains(file) || FOLDERS.contains(file) || OTHERS.contains(file);
  }

  /**
   * Whether a path is one of the files in a state directory that the server works with, or lies
   * below one, whether it exists or not, and whichever links lead there.
   *
   * @param folder the state directory, which exists
   */
  public static boolean owns(Path folder, Path path) {
    return ownsAt(folder, path.toAbsolutePath().normalize()) || ownsAt(folder, real(path));
  }

  /** The path with the links on the way to its file followed, as far as there is one. */
  private static Path real(Path path) {
    Path file = path.toAbsolutePath();
    for (Path at = file; at != null; at = at.getParent()) {
      try {
        if (Files.exists(at)) {
          return at.toRealPath().resolve(at.relativize(file)).normalize();
        }
      } catch (IOException e) {
        return file; // what cannot be looked at cannot be written either
      }
    }
    return file;
  }

  private static boolean ownsAt(Path folder, Path file) {
    for (Path parent = file.getParent(); parent != null; parent = parent.getParent()) {
      if (isSame(folder, parent)) {
        return isOwn(parent.relativize(file).getName(0).toString());
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
      return "permission denied on "
          + denied.getFile()
          + " for user "
          + System.getProperty("user.name");
    }
    if (e instanceof java.nio.file.NoSuchFileException absent) {
      Path parent = Path.of(absent.getFile()).toAbsolutePath().getParent();
      return parent != null && Files.notExists(parent)
          ? "there is no folder " + parent
          : "no such file or folder: " + absent.getFile();
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
    lock.close();
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
