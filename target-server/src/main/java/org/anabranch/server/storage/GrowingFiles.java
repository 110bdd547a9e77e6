// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.dm.PathOpener;
import org.anabranch.block.file.FileDevice;
import org.anabranch.block.file.FileOptions;
import org.jspecify.annotations.Nullable;

/**
 * Opens those files that may grow, by their paths as tables have them; leaves others to another.
 */
final class GrowingFiles implements PathOpener {
  private final PathOpener others;
  private final Map<String, Growth> growths = new ConcurrentHashMap<>();
  private final Map<String, GrowingFile> open = new ConcurrentHashMap<>();

  GrowingFiles(PathOpener others) {
    this.others = others;
  }

  /** What is opened by this path from now on may grow. */
  void mayGrow(String path, Growth growth) {
    growths.put(path, growth);
  }

  /** The path is nobody's any more. */
  void forget(String path) {
    growths.remove(path);
    open.remove(path);
  }

  /** All that are open and may grow, by path. */
  Map<String, FileDevice> files() {
    Map<String, FileDevice> files = new TreeMap<>();
    open.forEach((path, file) -> files.put(path, file.file()));
    return files;
  }

  /** What was opened by this path, if it may grow. */
  @Nullable GrowingFile file(String path) {
    return open.get(path);
  }

  @Override
  public Object identity(String path) throws IOException {
    return others.identity(path);
  }

  @Override
  public BackingDevice open(String path) throws IOException {
    Growth growth = growths.get(path);
    if (growth == null) {
      return others.open(path);
    }
    try {
      FileDevice file = FileDevice.open(path, Path.of(path), FileOptions.DEFAULT);
      GrowingFile growing = new GrowingFile(file, growth);
      open.put(path, growing);
      return growing;
    } catch (InvalidPathException e) {
      throw new IOException(path + ": " + e.getReason(), e);
    }
  }
}
