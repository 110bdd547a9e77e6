// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.life.disk;

import java.io.IOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AccessMode;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.spi.FileSystemProvider;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/**
 * The JDK's provider of files, with a {@link CrashDisk} below which everything is noted that
 * changes files or names. {@code -Djava.nio.file.spi.DefaultFileSystemProvider} makes it the one of
 * a process.
 */
public final class CrashProvider extends FileSystemProvider {
  private static volatile @Nullable CrashDisk disk;

  private final FileSystemProvider below;
  private final CrashFileSystem system;

  /** Made by the JDK. */
  public CrashProvider(FileSystemProvider below) {
    this.below = below;
    this.system = new CrashFileSystem(this, below.getFileSystem(URI.create("file:///")));
  }

  /** Notes from now on what happens below this disk's folder; null: nothing. */
  static void noteFor(@Nullable CrashDisk newDisk) {
    disk = newDisk;
  }

  private static @Nullable CrashDisk disk(Path belowPath) {
    CrashDisk current = disk;
    return current != null && current.has(belowPath) ? current : null;
  }

  @Override
  public FileChannel newFileChannel(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    Path real = CrashPath.below(path);
    CrashDisk noted = disk(real);
    if (noted == null) {
      return below.newFileChannel(real, options, attributes);
    }
    boolean writes =
        options.contains(StandardOpenOption.WRITE) || options.contains(StandardOpenOption.APPEND);
    if (!writes) {
      return noted.reading(real, below.newFileChannel(real, options, attributes));
    }
    Set<OpenOption> readable = new HashSet<>(options); // what is written over is looked at first
    readable.add(StandardOpenOption.READ);
    return noted.open(
        real,
        options.contains(StandardOpenOption.TRUNCATE_EXISTING),
        () -> below.newFileChannel(real, readable, attributes));
  }

  @Override
  public SeekableByteChannel newByteChannel(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    return newFileChannel(
        path, options.isEmpty() ? Set.of(StandardOpenOption.READ) : options, attributes);
  }

  @Override
  public void createDirectory(Path path, FileAttribute<?>... attributes) throws IOException {
    Path real = CrashPath.below(path);
    CrashDisk noted = disk(real);
    if (noted == null) {
      below.createDirectory(real, attributes);
    } else {
      noted.makeFolder(real, () -> below.createDirectory(real, attributes));
    }
  }

  @Override
  public void delete(Path path) throws IOException {
    Path real = CrashPath.below(path);
    CrashDisk noted = disk(real);
    if (noted == null) {
      below.delete(real);
    } else {
      noted.delete(real, () -> below.delete(real));
    }
  }

  @Override
  public void move(Path from, Path to, CopyOption... options) throws IOException {
    Path realFrom = CrashPath.below(from);
    Path realTo = CrashPath.below(to);
    CrashDisk noted = disk(realFrom);
    if (noted == null) {
      below.move(realFrom, realTo, options);
    } else {
      noted.move(realFrom, realTo, () -> below.move(realFrom, realTo, options));
    }
  }

  @Override
  public void copy(Path from, Path to, CopyOption... options) throws IOException {
    if (disk(CrashPath.below(to)) != null) {
      throw new UnsupportedOperationException("a copy to " + to + " would not be noted");
    }
    below.copy(CrashPath.below(from), CrashPath.below(to), options);
  }

  @Override
  public void createLink(Path link, Path existing) throws IOException {
    refuse(link);
    below.createLink(CrashPath.below(link), CrashPath.below(existing));
  }

  @Override
  public void createSymbolicLink(Path link, Path target, FileAttribute<?>... attributes)
      throws IOException {
    refuse(link);
    below.createSymbolicLink(CrashPath.below(link), CrashPath.below(target), attributes);
  }

  private static void refuse(Path link) {
    if (disk(CrashPath.below(link)) != null) {
      throw new UnsupportedOperationException("a link at " + link + " would not be noted");
    }
  }

  @Override
  public DirectoryStream<Path> newDirectoryStream(
      Path folder, DirectoryStream.Filter<? super Path> filter) throws IOException {
    DirectoryStream<Path> names =
        below.newDirectoryStream(
            CrashPath.below(folder), path -> filter.accept(new CrashPath(system, path)));
    return new DirectoryStream<>() {
      @Override
      public Iterator<Path> iterator() {
        return StreamSupport.stream(names.spliterator(), false)
            .<Path>map(path -> new CrashPath(system, path))
            .iterator();
      }

      @Override
      public void close() throws IOException {
        names.close();
      }
    };
  }

  // --- what changes nothing -------------------------------------------------------------------

  @Override
  public String getScheme() {
    return below.getScheme();
  }

  @Override
  public FileSystem newFileSystem(URI uri, Map<String, ?> environment) throws IOException {
    return below.newFileSystem(uri, environment);
  }

  @Override
  public FileSystem getFileSystem(URI uri) {
    return system;
  }

  @Override
  public Path getPath(URI uri) {
    return new CrashPath(system, below.getPath(uri));
  }

  @Override
  public Path readSymbolicLink(Path link) throws IOException {
    return new CrashPath(system, below.readSymbolicLink(CrashPath.below(link)));
  }

  @Override
  public boolean isSameFile(Path path, Path other) throws IOException {
    return below.isSameFile(CrashPath.below(path), CrashPath.below(other));
  }

  @Override
  public boolean isHidden(Path path) throws IOException {
    return below.isHidden(CrashPath.below(path));
  }

  @Override
  public FileStore getFileStore(Path path) throws IOException {
    return Files.getFileStore(CrashPath.below(path));
  }

  @Override
  public void checkAccess(Path path, AccessMode... modes) throws IOException {
    below.checkAccess(CrashPath.below(path), modes);
  }

  @Override
  public <V extends FileAttributeView> @Nullable V getFileAttributeView(
      Path path, Class<V> type, LinkOption... options) {
    return below.getFileAttributeView(CrashPath.below(path), type, options);
  }

  @Override
  public <A extends BasicFileAttributes> A readAttributes(
      Path path, Class<A> type, LinkOption... options) throws IOException {
    return below.readAttributes(CrashPath.below(path), type, options);
  }

  @Override
  public Map<String, Object> readAttributes(Path path, String names, LinkOption... options)
      throws IOException {
    return below.readAttributes(CrashPath.below(path), names, options);
  }

  @Override
  public void setAttribute(Path path, String name, Object value, LinkOption... options)
      throws IOException {
    below.setAttribute(CrashPath.below(path), name, value, options);
  }
}
