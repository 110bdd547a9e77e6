// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage.file;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.file.AllocatedSpace;
import org.anabranch.block.file.FileDevice;
import org.anabranch.block.file.FileOptions;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.state.DiskNames;
import org.anabranch.server.state.DurableFile;
import org.anabranch.server.state.FileId;
import org.anabranch.server.storage.ImageFacts;
import org.anabranch.server.storage.VolumeImage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file behind a volume.
 *
 * <dl>
 *   <dt>What does a new one cost?
 *   <dd>Next to nothing at once: it is sparse, all of it a hole but for its last block. It is its
 *       owner's alone (mode 0600).
 *   <dt>How is it known again?
 *   <dd>By its label ({@link ImageLabel}), and by file system and inode. A block device is known by
 *       its length alone, and has no label.
 *   <dt>Who else can write to it while it is open?
 *   <dd>No other server, nor a program that locks the file first, as QEMU and tgt do.
 * </dl>
 */
final class FileImage implements VolumeImage {
  private static final Logger LOG = LoggerFactory.getLogger(FileImage.class);

  private final Path path;
  private final VolumeConfig volume;

  FileImage(Path path, VolumeConfig volume) {
    this.path = path;
    this.volume = volume;
  }

  @Override
  public Set<Capability> capabilities() {
    return exists() && !Files.isRegularFile(path)
        ? EnumSet.of(Capability.GROWS_IN_USE, Capability.LOCKS)
        : EnumSet.allOf(Capability.class);
  }

  @Override
  public boolean exists() {
    return Files.exists(path, LinkOption.NOFOLLOW_LINKS);
  }

  @Override
  public @Nullable String obstacle() {
    Path folder = path.toAbsolutePath().getParent();
    return folder == null || Files.isDirectory(folder)
        ? null
        : "there is no folder " + folder + "; make it, or correct path";
  }

  @Override
  public @Nullable Path file() {
    return Files.isRegularFile(path) ? path : null;
  }

  @Override
  public @Nullable Space space() throws IOException {
    return Files.isRegularFile(path)
        ? new Space(AllocatedSpace.of(path), Files.getFileStore(path).getUsableSpace())
        : null;
  }

  @Override
  public long bytes() throws IOException {
    if (Files.isDirectory(path)) {
      throw new IOException(path + " is a folder");
    }
    return length(path);
  }

  /** The length of a file or block device, bytes. */
  static long length(Path path) throws IOException {
    if (Files.isRegularFile(path)) {
      try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
        return channel.size();
      }
    }
    // A block device has no length in its inode, but an end to seek to.
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "r")) {
      return file.length();
    }
  }

  @Override
  public Cost cost(long bytes) throws IOException {
    Path folder = Objects.requireNonNull(path.toAbsolutePath().getParent());
    return new Cost(0, bytes, Files.getFileStore(folder).getUsableSpace());
  }

  @Override
  public void make(long bytes) throws IOException {
    extend(bytes);
  }

  @Override
  public void extend(long bytes) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            path,
            Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
      if (channel.size() < bytes) {
        // The channel has no call that only extends; a zero in the last byte costs one block.
        channel.write(ByteBuffer.allocate(1), bytes - 1);
        channel.force(true);
      }
    }
    syncFolder();
  }

  @Override
  public void delete() throws IOException {
    if (Files.deleteIfExists(path)) {
      syncFolder();
    }
  }

  private void syncFolder() throws IOException {
    DurableFile.syncFolder(Objects.requireNonNull(path.toAbsolutePath().getParent()));
  }

  @Override
  public @Nullable ImageFacts facts() throws IOException {
    if (!Files.exists(path)) {
      return null;
    }
    long bytes = bytes();
    if (!Files.isRegularFile(path)) {
      return new ImageFacts(bytes, "", null, false);
    }
    try {
      return new ImageFacts(bytes, id(), ImageLabel.read(path).volume(), true);
    } catch (IOException e) {
      if (Files.isReadable(path)) {
        return new ImageFacts(bytes, id(), null, false); // no attributes on this file system
      }
      throw e;
    }
  }

  private String id() throws IOException {
    try {
      Map<String, Object> attributes =
          Files.readAttributes(path, "unix:dev,ino", new LinkOption[0]);
      return FileId.of(number(attributes.get("dev")), number(attributes.get("ino")));
    } catch (UnsupportedOperationException | IllegalArgumentException e) {
      return FileId.of(0, 0); // not a Unix: the path must do
    }
  }

  private static long number(@Nullable Object value) {
    return value instanceof Number number ? number.longValue() : 0;
  }

  @Override
  public boolean mark(UUID uuid) {
    return label("volume", () -> ImageLabel.read(path).withVolume(uuid).write(path));
  }

  @Override
  public boolean carry(DiskNames names) {
    return label("names", () -> ImageLabel.read(path).withNames(names).write(path));
  }

  private interface Labelling {
    void run() throws IOException;
  }

  private boolean label(String what, Labelling labelling) {
    if (!Files.isRegularFile(path)) {
      return false;
    }
    try {
      labelling.run();
      return true;
    } catch (IOException e) {
      LOG.debug("{}: cannot carry its {}: {}", path, what, e.toString());
      return false;
    }
  }

  @Override
  public @Nullable DiskNames names() {
    try {
      return Files.isRegularFile(path) ? ImageLabel.read(path).names() : null;
    } catch (IOException e) {
      LOG.debug("{}: no names of the disk: {}", path, e.toString());
      return null;
    }
  }

  @Override
  public BackingDevice open(String name) throws IOException {
    return FileDevice.open(
        name,
        path,
        FileOptions.DEFAULT
            .withBlockSizes(volume.blockSize(), volume.physicalBlockSize())
            .withReadOnly(volume.readOnly()));
  }
}
