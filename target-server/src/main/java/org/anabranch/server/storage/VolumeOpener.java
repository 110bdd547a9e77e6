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
import org.anabranch.block.file.FileOpener;
import org.anabranch.block.file.FileOptions;
import org.anabranch.config.VolumeConfig;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens what tables name by path; a volume's file in the way that the volume asks for. */
final class VolumeOpener implements PathOpener {
  private static final Logger LOG = LoggerFactory.getLogger(VolumeOpener.class);

  private final FileOpener plain = new FileOpener();

  /** By the file's identity, so that a table may spell the path in another way. */
  private final Map<Object, Known> volumes = new ConcurrentHashMap<>();

  /** By volume, as last opened. */
  private final Map<String, FileDevice> files = new ConcurrentHashMap<>();

  /** Volumes that are not served, by the identity of their files. */
  private final Map<Object, String> barred = new ConcurrentHashMap<>();

  private record Known(String volume, FileOptions options) {}

  /** The file is there and has its length. */
  void put(VolumeConfig volume) throws IOException {
    barred.values().removeIf(volume.name()::equals);
    volumes.put(
        plain.identity(volume.source().address()),
        new Known(
            volume.name(),
            FileOptions.DEFAULT
                .withBlockSizes(volume.blockSize(), volume.physicalBlockSize())
                .withReadOnly(volume.readOnly())));
  }

  /** Its file is a file like any other from here on. */
  void remove(String volume) {
    volumes.values().removeIf(known -> known.volume.equals(volume));
    files.remove(volume);
  }

  /** Lets nobody have the file of a volume that is not served, as far as there is one. */
  void bar(String volume, String address) {
    try {
      barred.put(plain.identity(address), volume);
    } catch (IOException e) {
      LOG.debug("volume {}: {}", volume, e.getMessage()); // nobody else can open it either
    }
  }

  /** All open files of volumes, by volume. */
  Map<String, FileDevice> files() {
    return new TreeMap<>(files);
  }

  /** The open file of a volume. */
  @Nullable FileDevice file(String volume) {
    return files.get(volume);
  }

  @Override
  public Object identity(String path) throws IOException {
    return plain.identity(path);
  }

  @Override
  public BackingDevice open(String path) throws IOException {
    Object identity = identity(path);
    String left = barred.get(identity);
    if (left != null) {
      throw new IOException(path + ": is the file of volume " + left + ", which is not served");
    }
    Known known = volumes.get(identity);
    if (known == null) {
      return plain.open(path);
    }
    try {
      FileDevice file = FileDevice.open(path, Path.of(path), known.options);
      files.put(known.volume, file);
      return file;
    } catch (InvalidPathException e) {
      throw new IOException(path + ": " + e.getReason(), e);
    }
  }
}
