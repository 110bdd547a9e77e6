// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage.file;

import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.anabranch.server.base.Warning;
import org.anabranch.server.state.StateDirectory;
import org.anabranch.server.terminal.Sizes;

/** File systems that have little space left for sparse files. */
final class FileSystemSpace {
  private FileSystemSpace() {}

  /**
   * A warning for each file system with less than {@code warnBelow} bytes left, and for each file
   * that is gone.
   */
  static List<Warning> warnings(Collection<String> files, long warnBelow) {
    List<Warning> warnings = new ArrayList<>();
    Map<FileStore, List<Path>> byStore = new LinkedHashMap<>();
    for (String file : files) {
      Path path = Path.of(file);
      try {
        byStore.computeIfAbsent(Files.getFileStore(path), store -> new ArrayList<>()).add(path);
      } catch (IOException e) {
        warnings.add(
            Files.notExists(path)
                ? new Warning(
                    "file " + path,
                    "it is in use and cannot be found any more: " + StateDirectory.reason(e),
                    "put it back before the server stops: it is lost for good then")
                : new Warning(
                    "file " + path,
                    "its free space is not known: " + StateDirectory.reason(e),
                    "see whether it can be read, and the limit of open files (ulimit -n,"
                        + " LimitNOFILE of the service)"));
      }
    }
    byStore.forEach((store, paths) -> little(store, paths, warnBelow, warnings));
    return warnings;
  }

  private static void little(
      FileStore store, List<Path> paths, long warnBelow, List<Warning> warnings) {
    String what = "file system of " + paths.getFirst();
    try {
      if (store.getUsableSpace() < warnBelow) {
        warnings.add(
            new Warning(
                what,
                "it has less than "
                    + Sizes.bytes((double) warnBelow)
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
