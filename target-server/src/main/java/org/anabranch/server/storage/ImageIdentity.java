// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import org.anabranch.server.state.DiskNames;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The names of a disk as an extended attribute of its image, {@code user.anabranch.identity}, so
 * that they survive the loss of the state directory and go where the image goes. Where a file
 * system keeps no such attributes the state directory alone has them.
 */
public final class ImageIdentity {
  /** Java's name of it, without {@code user.}. */
  private static final String ATTRIBUTE = "anabranch.identity";

  private static final int MAX_BYTES = 256;
  private static final Logger log = LoggerFactory.getLogger(ImageIdentity.class);

  private ImageIdentity() {}

  /** What an image carries, or null if that is nothing or can't be read. */
  public static @Nullable DiskNames read(Path image) {
    UserDefinedFileAttributeView view =
        Files.getFileAttributeView(image, UserDefinedFileAttributeView.class);
    try {
      if (view == null || !view.list().contains(ATTRIBUTE) || view.size(ATTRIBUTE) > MAX_BYTES) {
        return null;
      }
      ByteBuffer bytes = ByteBuffer.allocate(MAX_BYTES);
      view.read(ATTRIBUTE, bytes);
      String text = new String(bytes.array(), 0, bytes.position(), StandardCharsets.US_ASCII);
      DiskNames names = DiskNames.parse(text);
      if (names == null) {
        log.warn("{}: its attribute user.{} holds no names of a disk", image, ATTRIBUTE);
      }
      return names;
    } catch (IOException | UnsupportedOperationException e) {
      log.debug("{}: no extended attributes: {}", image, e.toString());
      return null;
    }
  }

  /** Lets an image carry names. False if it can't: it may be read-only, or a device. */
  public static boolean write(Path image, DiskNames names) {
    UserDefinedFileAttributeView view =
        Files.getFileAttributeView(image, UserDefinedFileAttributeView.class);
    try {
      if (view == null) {
        return false;
      }
      view.write(ATTRIBUTE, StandardCharsets.US_ASCII.encode(names.toString()));
      return true;
    } catch (IOException | UnsupportedOperationException e) {
      log.debug("{}: no extended attributes: {}", image, e.toString());
      return false;
    }
  }
}
