// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage.file;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.file.FileOpener;
import org.anabranch.config.VolumeConfig;
import org.anabranch.config.source.FileSource;
import org.anabranch.config.source.VolumeSource;
import org.anabranch.server.base.Warning;
import org.anabranch.server.storage.VolumeBackend;
import org.anabranch.server.storage.VolumeImage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Images that are files or block devices of this machine; an address is a path. */
public final class FileBackend implements VolumeBackend {
  private static final Logger LOG = LoggerFactory.getLogger(FileBackend.class);

  private final FileOpener opener = new FileOpener();

  @Override
  public boolean keeps(VolumeSource source) {
    return source instanceof FileSource;
  }

  /** Every word may be a path: other backends are asked first. */
  @Override
  public boolean owns(String address) {
    return true;
  }

  @Override
  public VolumeImage image(VolumeConfig volume) {
    if (volume.source() instanceof FileSource file) {
      return new FileImage(file.path(), volume);
    }
    throw new IllegalArgumentException(volume.source() + " is no file");
  }

  @Override
  public Object identity(String address) throws IOException {
    return opener.identity(address);
  }

  @Override
  public BackingDevice open(String address) throws IOException {
    return opener.open(address);
  }

  @Override
  public Object place(String address) {
    Path file = Path.of(address).toAbsolutePath().normalize();
    try {
      return Files.exists(file) ? file.toRealPath() : file;
    } catch (IOException e) {
      LOG.debug("{}: {}", file, e.toString()); // it was deleted just now
      return file;
    }
  }

  @Override
  public BackingDevice preview(String address, long sectors) throws IOException {
    try {
      Path file = Path.of(address).toAbsolutePath().normalize();
      if (sectors == AS_IT_IS && !Files.isReadable(file)) {
        throw new IOException(address + " does not exist or cannot be read");
      }
      return new FilePreview(
          file, place(address), sectors == AS_IT_IS ? FileImage.length(file) / 512 : sectors);
    } catch (InvalidPathException e) {
      throw new IOException(address + ": " + e.getReason(), e);
    }
  }

  @Override
  public boolean exists(String address) {
    return Files.exists(Path.of(address));
  }

  @Override
  public String subject(String address) {
    return "file " + address;
  }

  @Override
  public boolean isFile(String address, Path file) {
    Path image = Path.of(address);
    try {
      return image.equals(file.toAbsolutePath().normalize())
          || (Files.exists(image) && Files.exists(file) && Files.isSameFile(image, file));
    } catch (IOException e) {
      LOG.debug("{}: {}", file, e.toString()); // what cannot be looked at is no longer served
      return false;
    }
  }

  @Override
  public List<Warning> spaceWarnings(Map<String, BackingDevice> sparse, long warnBelow) {
    return FileSystemSpace.warnings(sparse.keySet(), warnBelow);
  }
}
