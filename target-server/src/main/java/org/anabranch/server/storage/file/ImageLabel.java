// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage.file;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import org.anabranch.server.state.DiskNames;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an image file says of itself, in the extended attribute {@code user.anabranch.image}: the
 * volume that it belongs to, and the names under which initiators know the disk. So both survive
 * the loss of the state directory and go where the file goes: {@code mv}, {@code cp -a}, {@code
 * rsync -X} and {@code tar --xattrs} keep them, {@code cp} alone does not.
 *
 * <pre>{@code volume=0b7f6e0c-6f0e-4c3c-8d3f-2f1f6a4f2f10 serial=0123456789ab naa=3123456789abcdef}
 * </pre>
 *
 * Each part may be absent; words that are not known are ignored. Earlier versions had an attribute
 * for each part, {@code user.anabranch.volume} and {@code user.anabranch.identity}: they are read
 * where there is no label, and deleted when one is written.
 *
 * @param volume the identity of the volume, see {@code VolumeRecord}; null when the file has none
 * @param names null when the file has none
 */
record ImageLabel(@Nullable UUID volume, @Nullable DiskNames names) {
  private static final Logger LOG = LoggerFactory.getLogger(ImageLabel.class);
  private static final ExtendedAttribute LABEL = new ExtendedAttribute("anabranch.image", 256);
  private static final ExtendedAttribute VOLUME = new ExtendedAttribute("anabranch.volume", 64);
  private static final ExtendedAttribute NAMES = new ExtendedAttribute("anabranch.identity", 256);

  /**
   * Reads a file's label. What makes no sense counts as absent.
   *
   * @throws IOException when the file can have none, or cannot be read
   */
  static ImageLabel read(Path file) throws IOException {
    String text = LABEL.read(file);
    if (text != null) {
      return parse(file, text);
    }
    String volume = VOLUME.read(file);
    String names = NAMES.read(file);
    return new ImageLabel(
        volume == null ? null : uuid(volume), names == null ? null : names(file, names));
  }

  private static ImageLabel parse(Path file, String text) {
    String volume = null;
    String serial = null;
    String naa = null;
    for (String word : text.strip().split(" ", -1)) {
      int equals = word.indexOf('=');
      String value = word.substring(equals + 1);
      switch (equals < 0 ? "" : word.substring(0, equals)) {
        case "volume" -> volume = value;
        case "serial" -> serial = value;
        case "naa" -> naa = value;
        default -> LOG.debug("{}: label with {}", file, word);
      }
    }
    return new ImageLabel(
        volume == null ? null : uuid(volume),
        serial == null || naa == null ? null : names(file, serial + " " + naa));
  }

  private static @Nullable UUID uuid(String text) {
    try {
      return UUID.fromString(text);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  private static @Nullable DiskNames names(Path file, String text) {
    DiskNames names = DiskNames.parse(text);
    if (names == null) {
      LOG.warn("{}: its extended attribute holds no serial number and NAA: {}", file, text);
    }
    return names;
  }

  ImageLabel withVolume(UUID newVolume) {
    return new ImageLabel(newVolume, names);
  }

  ImageLabel withNames(DiskNames newNames) {
    return new ImageLabel(volume, newNames);
  }

  /** Gives the file this label, durably. */
  void write(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      LABEL.write(file, toString());
      VOLUME.delete(file);
      NAMES.delete(file);
      channel.force(true);
    }
  }

  @Override
  public String toString() {
    String mark = volume == null ? "" : "volume=" + volume + " ";
    return (mark + (names == null ? "" : "serial=" + names.serial() + " naa=" + names.naa()))
        .strip();
  }
}
