// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What says which volume's a file is: the volume's uuid in the extended attribute {@code
 * user.anabranch.volume}. {@code mv}, {@code cp -a}, {@code rsync -X} and {@code tar --xattrs} keep
 * it, {@code cp} alone does not. A block device has none, nor has a file on a file system without
 * such attributes. What initiators call the disk is another matter: see {@link ImageIdentity}.
 *
 * @param uuid null when the file has no mark
 * @param possible whether the file can have a mark at all
 */
record ImageMark(@Nullable UUID uuid, boolean possible) {
  /** Java's name of it, without {@code user.}. */
  private static final String ATTRIBUTE = "anabranch.volume";

  private static final int MAX_BYTES = 64;

  /** Reads what a file says. A mark that makes no sense counts as none. */
  static ImageMark read(Path file) throws IOException {
    UserDefinedFileAttributeView view = view(file);
    if (view == null) {
      return new ImageMark(null, false);
    }
    try {
      boolean marked = view.list().contains(ATTRIBUTE) && view.size(ATTRIBUTE) <= MAX_BYTES;
      return new ImageMark(marked ? value(view) : null, true);
    } catch (IOException | UnsupportedOperationException e) {
      if (Files.isReadable(file)) {
        return new ImageMark(null, false); // such as EOPNOTSUPP, which has no type of its own
      }
      throw e;
    }
  }

  /**
   * Marks a file, durably.
   *
   * @return whether it is marked for good; false where that is not possible or not permitted
   */
  static boolean write(Path file, UUID uuid) {
    UserDefinedFileAttributeView view = view(file);
    if (view == null) {
      return false;
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      view.write(ATTRIBUTE, StandardCharsets.US_ASCII.encode(uuid.toString()));
      channel.force(true);
      return true;
    } catch (IOException | UnsupportedOperationException e) {
      return false;
    }
  }

  /** The attributes of a regular file; null for anything else. */
  private static @Nullable UserDefinedFileAttributeView view(Path file) {
    return Files.isRegularFile(file)
        ? Files.getFileAttributeView(file, UserDefinedFileAttributeView.class)
        : null;
  }

  private static @Nullable UUID value(UserDefinedFileAttributeView view) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(MAX_BYTES);
    view.read(ATTRIBUTE, bytes);
    try {
      return UUID.fromString(StandardCharsets.US_ASCII.decode(bytes.flip()).toString());
    } catch (IllegalArgumentException e) {
      return null;
    }
  }
}
