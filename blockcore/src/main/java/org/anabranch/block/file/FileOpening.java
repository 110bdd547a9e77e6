// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The checks before a file becomes a device: it exists or is created, is a regular file or a block
 * device, has the given length, is not open elsewhere in this process, and can be locked against
 * other processes. The message of a refusal is one line that starts with the path.
 */
final class FileOpening {
  /** System property: with {@code false}, {@link Linux}'s system calls are not used. */
  static final String NATIVE = "anabranch.block.native";

  private static final int TYPE_MASK = 0170000;
  private static final int BLOCK_DEVICE = 0060000;

  /**
   * The files open in this process. A lock does not help here: a channel's lock belongs to the
   * process and is lost as soon as anything in the process closes the file. Guarded by the class.
   */
  private static final Set<Object> OPEN = new HashSet<>();

  /** What stands above each file that is opened. */
  interface Layer {
    RawFile over(Path path, RawFile file);
  }

  private static volatile Layer layer = (path, file) -> file;

  /** Puts something above all files that are opened from now on, such as a simulated drive. */
  static void layer(Layer newLayer) {
    layer = newLayer;
  }

  /** An open, locked file. */
  record Opened(RawFile file, Object identity, long sectors) {}

  private FileOpening() {}

  /** The file's identity, the same for every path to it. */
  static Object identity(Path path) throws IOException {
    try {
      BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
      if (attributes.isRegularFile()) {
        return Objects.requireNonNullElseGet(attributes.fileKey(), () -> real(path));
      }
      Object device = blockDevice(path);
      if (device == null) {
        throw new IOException(path + ": neither a regular file nor a block device");
      }
      return device;
    } catch (FileSystemException e) {
      throw plain(path, e);
    }
  }

  private static Path real(Path path) {
    return path.toAbsolutePath().normalize();
  }

  /** The number of a block device; null for anything else. */
  private static @Nullable Object blockDevice(Path path) throws IOException {
    try {
      Map<String, Object> attributes =
          Files.readAttributes(path, "unix:mode,rdev", new LinkOption[0]);
      boolean isBlock =
          attributes.get("mode") instanceof Integer mode && (mode & TYPE_MASK) == BLOCK_DEVICE;
      return isBlock ? "block device " + attributes.get("rdev") : null;
    } catch (UnsupportedOperationException | IllegalArgumentException e) {
      return null; // not a Unix
    }
  }

  /**
   * Opens a file. One open or close at a time, because once a file is closed and deleted, another
   * file may get its identity.
   */
  static synchronized Opened open(Path path, FileOptions options) throws IOException {
    if (options.sectors() > 0 && !options.readOnly()) {
      createIfAbsent(path);
    }
    Object identity = identity(path);
    if (!OPEN.add(identity)) {
      throw new IOException(path + ": already open here");
    }
    boolean opened = false;
    try {
      RawFile file = layer.over(path, raw(path, options.readOnly()));
      try {
        long sectors = lockAndMeasure(path, file, options);
        opened = true;
        return new Opened(file, identity, sectors);
      } finally {
        if (!opened) {
          file.close();
        }
      }
    } catch (FileSystemException e) {
      throw plain(path, e);
    } finally {
      if (!opened) {
        OPEN.remove(identity);
      }
    }
  }

  /** Closes a file that {@link #open} returned. */
  static synchronized void close(RawFile file, Object identity) throws IOException {
    try {
      file.close();
    } finally {
      OPEN.remove(identity);
    }
  }

  private static RawFile raw(Path path, boolean readOnly) throws IOException {
    boolean wanted = !System.getProperty(NATIVE, "true").equals("false");
    return wanted && Linux.isHere()
        ? new NativeFile(path, readOnly)
        : new ChannelFile(path, readOnly);
  }

  private static long lockAndMeasure(Path path, RawFile file, FileOptions options)
      throws IOException {
    if (!file.tryLock(options.readOnly())) {
      throw new IOException(
          path + ": in use: another process, such as another server, has locked it");
    }
    long told = options.sectors() << 9;
    long size = file.size();
    if (size == 0 && told > 0 && !options.readOnly()) {
      file.resize(told);
      file.sync();
      size = file.size();
    }
    if (size < told) {
      throw new IOException(path + ": has " + size + " bytes, less than the " + told + " told");
    }
    if (size < 512) {
      throw new IOException(path + ": has " + size + " bytes, less than a sector");
    }
    return told > 0 ? options.sectors() : size >> 9;
  }

  private static void createIfAbsent(Path path) throws IOException {
    if (Files.exists(path)) {
      return;
    }
    try {
      Files.createFile(
          path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      Path folder = path.toAbsolutePath().getParent();
      if (folder != null) {
        try (FileChannel names = FileChannel.open(folder, StandardOpenOption.READ)) {
          names.force(true);
        }
      }
    } catch (FileAlreadyExistsException e) {
      // Another process created it first; the checks below decide.
    } catch (FileSystemException e) {
      throw plain(path, e);
    }
  }

  /** The JDK's exception with the system's text, since its message is often only the path. */
  private static IOException plain(Path path, FileSystemException e) {
    String reason =
        switch (e) {
          case NoSuchFileException gone -> "No such file or directory";
          case AccessDeniedException denied -> "Permission denied";
          default -> Objects.requireNonNullElse(e.getReason(), String.valueOf(e.getMessage()));
        };
    return new IOException(path + ": " + reason, e);
  }
}
