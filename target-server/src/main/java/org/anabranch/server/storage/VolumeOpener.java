// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.dm.PathOpener;
import org.anabranch.block.file.FileDevice;
import org.anabranch.block.file.FileOpener;
import org.anabranch.block.file.FileOptions;
import org.anabranch.config.VolumeConfig;

/** Opens what tables name by path; a volume's file in the way that the volume asks for. */
final class VolumeOpener implements PathOpener {
  private final FileOpener plain = new FileOpener();

  /** By the file's identity, so that a table may spell the path in another way. */
  private final Map<Object, FileOptions> volumes = new ConcurrentHashMap<>();

  /** The file is there and has its length. */
  void put(VolumeConfig volume) throws IOException {
    volumes.put(
        plain.identity(volume.path().toString()),
        FileOptions.DEFAULT
            .withBlockSizes(volume.blockSize(), volume.physicalBlockSize())
            .withReadOnly(volume.readOnly()));
  }

  @Override
  public Object identity(String path) throws IOException {
    return plain.identity(path);
  }

  @Override
  public BackingDevice open(String path) throws IOException {
    FileOptions options = volumes.get(identity(path));
    if (options == null) {
      return plain.open(path);
    }
    try {
      return FileDevice.open(path, Path.of(path), options);
    } catch (InvalidPathException e) {
      throw new IOException(path + ": " + e.getReason(), e);
    }
  }
}
