// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.life.disk;

import java.io.IOException;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A path of a {@link CrashFileSystem}, over the JDK's. */
record CrashPath(CrashFileSystem system, Path below) implements Path {
  private @Nullable Path over(@Nullable Path path) {
    return path == null ? null : new CrashPath(system, path);
  }

  private Path surely(Path path) {
    return new CrashPath(system, path);
  }

  static Path below(Path path) {
    return path instanceof CrashPath crash ? crash.below : path;
  }

  @Override
  public FileSystem getFileSystem() {
    return system;
  }

  @Override
  public boolean isAbsolute() {
    return below.isAbsolute();
  }

  @Override
  public @Nullable Path getRoot() {
    return over(below.getRoot());
  }

  @Override
  public @Nullable Path getFileName() {
    return over(below.getFileName());
  }

  @Override
  public @Nullable Path getParent() {
    return over(below.getParent());
  }

  @Override
  public int getNameCount() {
    return below.getNameCount();
  }

  @Override
  public Path getName(int index) {
    return surely(below.getName(index));
  }

  @Override
  public Path subpath(int begin, int end) {
    return surely(below.subpath(begin, end));
  }

  @Override
  public boolean startsWith(Path other) {
    return other instanceof CrashPath && below.startsWith(below(other));
  }

  @Override
  public boolean endsWith(Path other) {
    return other instanceof CrashPath && below.endsWith(below(other));
  }

  @Override
  public Path normalize() {
    return surely(below.normalize());
  }

  @Override
  public Path resolve(Path other) {
    return surely(below.resolve(below(other)));
  }

  @Override
  public Path relativize(Path other) {
    return surely(below.relativize(below(other)));
  }

  @Override
  public URI toUri() {
    return below.toUri();
  }

  @Override
  public Path toAbsolutePath() {
    return surely(below.toAbsolutePath());
  }

  @Override
  public Path toRealPath(LinkOption... options) throws IOException {
    return surely(below.toRealPath(options));
  }

  @Override
  public WatchKey register(
      WatchService watcher, WatchEvent.Kind<?>[] events, WatchEvent.Modifier... modifiers) {
    throw new UnsupportedOperationException();
  }

  @Override
  public int compareTo(Path other) {
    return below.compareTo(below(other));
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof CrashPath path && below.equals(path.below);
  }

  @Override
  public int hashCode() {
    return Objects.hash(below);
  }

  @Override
  public String toString() {
    return below.toString();
  }
}
