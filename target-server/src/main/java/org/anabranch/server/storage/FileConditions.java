// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.anabranch.block.BackingDevice;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.anabranch.server.state.StateDirectory;
import org.anabranch.server.terminal.Sizes;

/**
 * Files that have become read-only because a sync failed, and file systems that have little space
 * left for sparse files. It asks the file systems, and so may wait as long as they do. Any thread.
 */
public final class FileConditions implements WarningSource {
  private final OpenFiles files;
  private final Predicate<Path> isStore;
  private final LongSupplier warnBelow;

  /**
   * @param isStore whether a file is the store of a snapshot: somebody else looks at its space
   * @param warnBelow the bytes that a file system must have left
   */
  public FileConditions(OpenFiles files, Predicate<Path> isStore, LongSupplier warnBelow) {
    this.files = files;
    this.isStore = isStore;
    this.warnBelow = warnBelow;
  }

  @Override
  public List<Warning> warnings() {
    List<Warning> warnings = new ArrayList<>();
    Map<FileStore, List<Path>> sparse = new LinkedHashMap<>();
    for (Map.Entry<String, BackingDevice> each : files.all().entrySet()) {
      Path path = Path.of(each.getKey());
      BackingDevice file = each.getValue();
      String failure = file.failure();
      if (failure != null) {
        warnings.add(
            new Warning(
                "file " + path,
                "it is read-only since a sync failed, and writes before that may be lost: "
                    + failure,
                "check the disk below it, then restart the server and check what is in the"
                    + " volume"));
      } else if (!isStore.test(path) && file.isSparse()) {
        try {
          sparse.computeIfAbsent(Files.getFileStore(path), store -> new ArrayList<>()).add(path);
        } catch (IOException e) {
          warnings.add(gone(path, e));
        }
      }
    }
    sparse.forEach((store, paths) -> little(store, paths, warnings));
    return warnings;
  }

  private static Warning gone(Path path, IOException e) {
    return new Warning(
        "file " + path,
        "it is in use and cannot be found any more: " + StateDirectory.reason(e),
        "put it back before the server stops: it is lost for good then");
  }

  private void little(FileStore store, List<Path> paths, List<Warning> warnings) {
    String what = "file system of " + paths.getFirst();
    try {
      long least = warnBelow.getAsLong();
      if (store.getUsableSpace() < least) {
        warnings.add(
            new Warning(
                what,
                "it has less than "
                    + Sizes.bytes((double) least)
                    + " left; when it is full, writes to what its sparse files do not store yet"
                    + " fail ("
                    + paths.size()
                    + (paths.size() == 1 ? " file)" : " files)"),
                "free space there, or make it larger"));
      }
    } catch (IOException e) {
      warnings.add(
          new Warning(
              what,
              "its free space is not known: " + StateDirectory.reason(e),
              "see whether it can be read"));
    }
  }
}
