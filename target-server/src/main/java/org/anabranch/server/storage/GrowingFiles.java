// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.ResizableDevice;
import org.anabranch.block.dm.PathOpener;
import org.anabranch.block.file.FileDevice;
import org.anabranch.block.file.FileOptions;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.InvalidStoreFiles;

/**
 * Opens the stores of snapshots, which may grow, by their paths as tables have them; leaves
 * everything else to another. Any thread.
 */
public final class GrowingFiles implements PathOpener {
  private final PathOpener others;
  private final InvalidStoreFiles invalidStores;
  private final Map<String, Growth> growths = new ConcurrentHashMap<>();
  private final Map<String, GrowingFile> open = new ConcurrentHashMap<>();

  GrowingFiles(PathOpener others, InvalidStoreFiles invalidStores) {
    this.others = others;
    this.invalidStores = invalidStores;
  }

  /** A table that names this path from now on gets a file that may grow. */
  public void mayGrow(String path, Growth growth) {
    growths.put(path, growth);
  }

  /**
   * Makes a file longer now that may grow, unless it is longer than so many sectors. False also
   * when no such file is open.
   */
  public CompletionStage<Boolean> extendBeyond(String path, long sectors) {
    GrowingFile file = open.get(path);
    return file == null ? CompletableFuture.completedFuture(false) : file.extendBeyond(sectors);
  }

  /** The store is gone: what is at its path later is another one. */
  public void forget(String path) throws RefusedException {
    forgetOpen(path);
    invalidStores.remove(path);
  }

  /** The store is not used here any more. */
  public void forgetOpen(String path) {
    growths.remove(path);
    open.remove(path);
  }

  /** All that are open and may grow, by path. */
  Map<String, BackingDevice> files() {
    Map<String, BackingDevice> files = new TreeMap<>();
    open.forEach((path, file) -> files.put(path, file.file()));
    return files;
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
      ResizableDevice store =
          path.startsWith("/")
              ? FileDevice.open(path, Path.of(path), FileOptions.DEFAULT)
              : (ResizableDevice) others.open(path);
      GrowingFile growing = new GrowingFile(store, growth);
      open.put(path, growing);
      return growing;
    } catch (InvalidPathException e) {
      throw new IOException(path + ": " + e.getReason(), e);
    }
  }
}
