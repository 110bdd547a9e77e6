// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * A file system of its own, on a loop device, whose files can share blocks. The test is aborted
 * where none can be made or mounted.
 */
final class SharingFileSystem implements AutoCloseable {
  private final Path folder;

  private SharingFileSystem(Path folder) {
    this.folder = folder;
  }

  /**
   * Makes and mounts one.
   *
   * @param kind xfs or btrfs
   * @param folder where it is mounted; its disk is beside that
   */
  static SharingFileSystem mount(String kind, Path folder) throws Exception {
    Path mkfs = Path.of("/usr/sbin/mkfs." + kind);
    if (!Files.isExecutable(mkfs)) {
      abort(mkfs + " is not installed");
    }
    Path disk = folder.resolveSibling(folder.getFileName() + ".disk");
    Tools.run(10, "truncate", "-s", "512M", disk.toString()).expect(0);
    List<String> options = kind.equals("xfs") ? List.of("-q", "-m", "reflink=1") : List.of("-q");
    Tools.run(
            60,
            Stream.of(List.of(mkfs.toString()), options, List.of(disk.toString()))
                .flatMap(List::stream)
                .toArray(String[]::new))
        .expect(0);
    Files.createDirectory(folder);
    Tools.Result mount = Tools.run(10, "mount", "-o", "loop", disk.toString(), folder.toString());
    if (mount.status() != 0) {
      abort("no " + kind + " can be mounted: " + mount.output().strip());
    }
    return new SharingFileSystem(folder);
  }

  /** Bytes that are free when all is written. */
  long free() throws Exception {
    Tools.run(30, "sync", "-f", folder.toString()).expect(0);
    return Files.getFileStore(folder).getUsableSpace();
  }

  @Override
  public void close() throws IOException {
    try {
      Tools.run(30, "umount", folder.toString()).expect(0);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(folder + " is still mounted", e);
    }
  }
}
