// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.life.disk;

import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.WatchService;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.nio.file.spi.FileSystemProvider;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** The JDK's file system with paths that {@link CrashProvider} serves. */
final class CrashFileSystem extends FileSystem {
  private final CrashProvider provider;
  private final FileSystem below;

  CrashFileSystem(CrashProvider provider, FileSystem below) {
    this.provider = provider;
    this.below = below;
  }

  @Override
  public FileSystemProvider provider() {
    return provider;
  }

  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }

  @Override
  public boolean isOpen() {
    return true;
  }

  @Override
  public boolean isReadOnly() {
    return false;
  }

  @Override
  public String getSeparator() {
    return below.getSeparator();
  }

  @Override
  public Iterable<Path> getRootDirectories() {
    List<Path> roots = new ArrayList<>();
    below.getRootDirectories().forEach(root -> roots.add(new CrashPath(this, root)));
    return roots;
  }

  @Override
  public Iterable<FileStore> getFileStores() {
    return below.getFileStores();
  }

  @Override
  public Set<String> supportedFileAttributeViews() {
    return below.supportedFileAttributeViews();
  }

  @Override
  public Path getPath(String first, String... more) {
    return new CrashPath(this, below.getPath(first, more));
  }

  @Override
  public PathMatcher getPathMatcher(String pattern) {
    PathMatcher matcher = below.getPathMatcher(pattern);
    return path -> matcher.matches(CrashPath.below(path));
  }

  @Override
  public UserPrincipalLookupService getUserPrincipalLookupService() {
    return below.getUserPrincipalLookupService();
  }

  @Override
  public WatchService newWatchService() {
    throw new UnsupportedOperationException();
  }
}
