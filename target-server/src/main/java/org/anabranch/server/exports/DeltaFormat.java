// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/**
 * A file of changed extents, version {@value #VERSION}: what turns an image of one state of a
 * volume into an image of another one. All numbers are little endian; checksums are CRC32C (RFC
 * 3720, appendix B.4).
 *
 * <pre>
 *   header    8 bytes "ANADELTA" | u32 version = 1 | u32 bytes of the text
 *             u64 bytes of the image that it applies to | u64 bytes of the image that comes out
 *             text, UTF-8: the snapshot and what it is compared with, a line each, for people
 *             u32 checksum of all of this
 *
 *   record    u32 checksum of the 20 bytes that follow and the data
 *             u32 kind | u64 offset | u64 length in bytes | data
 *
 *   kind      1  data: length bytes of it, at most 1 MiB, follow and belong at offset
 *             2  zeros: the extent reads as zeros; nothing follows
 *             3  end: offset is how many records came before, length how many bytes they cover;
 *                the file ends behind it
 * </pre>
 *
 * Extents ascend and do not overlap; offsets and lengths are whole sectors of 512 bytes. An image
 * that is made longer reads as zeros where no extent says otherwise. A stream ({@link
 * StreamHeader}) has the same records behind a header that says more.
 */
public final class DeltaFormat {
  public static final int VERSION = 1;
  public static final int DATA = 1;
  public static final int ZERO = 2;
  public static final int END = 3;

  /** The most bytes of data in a record. */
  static final int MAX_DATA = DeviceReads.BLOCK;

  /** The most bytes of text in the header. */
  static final int MAX_TEXT = 4096;

  static final int RECORD_BYTES = 24;
  static final ByteBuffer NOTHING = ByteBuffer.allocate(0);
  private static final int FIXED_BYTES = 32;
  private static final byte[] MAGIC = "ANADELTA".getBytes(StandardCharsets.US_ASCII);

  private DeltaFormat() {}

  /** What is wrong with a file, and where. */
  public static final class DamagedException extends IOException {
    private static final long serialVersionUID = 1L;

    DamagedException(String message) {
      super(message);
    }
  }

  /**
   * The beginning of a file.
   *
   * @param baseBytes how long the image is that it applies to
   * @param bytes how long the result is; no less
   * @param text for people
   */
  public record Header(long baseBytes, long bytes, String text) {
    ByteBuffer write() {
      return write(VERSION);
    }

    ByteBuffer write(int version) {
      byte[] words = text.getBytes(StandardCharsets.UTF_8);
      ByteBuffer all = buffer(FIXED_BYTES + words.length + 4);
      all.put(MAGIC).putInt(version).putInt(words.length).putLong(baseBytes).putLong(bytes);
      all.put(words);
      all.putInt(checksum(all.duplicate().flip()));
      return all.flip();
    }

    static Header read(ReadableByteChannel in) throws IOException {
      return read(in, VERSION);
    }

    static Header read(ReadableByteChannel in, int expected) throws IOException {
      ByteBuffer fixed = buffer(FIXED_BYTES);
      fill(in, fixed, "the header");
      byte[] magic = new byte[MAGIC.length];
      fixed.get(magic);
      if (!java.util.Arrays.equals(magic, MAGIC)) {
        throw new DamagedException(
            (expected == VERSION
                    ? "it is no file of changed extents"
                    : "it is no stream of a snapshot")
                + ": no ANADELTA at byte 0");
      }
      int version = fixed.getInt();
      int length = fixed.getInt();
      if (version != expected) {
        throw new DamagedException(
            "it has version "
                + Integer.toUnsignedString(version)
                + ", not "
                + expected
                + (version == StreamHeader.VERSION
                    ? ": it is a stream, for volume import"
                    : version == VERSION ? ": it is a file of extents, for snapshot import" : ""));
      }
      if (length < 0 || length > MAX_TEXT) {
        throw new DamagedException("the header is damaged: a text of " + length + " bytes");
      }
      ByteBuffer rest = buffer(length + 4);
      fill(in, rest, "the header");
      CRC32C checksum = new CRC32C();
      checksum.update(fixed.duplicate().rewind());
      checksum.update(rest.duplicate().limit(length));
      if ((int) checksum.getValue() != rest.getInt(length)) {
        throw new DamagedException("the header is damaged: its checksum is wrong");
      }
      Header header = new Header(fixed.getLong(), fixed.getLong(), text(rest.limit(length)));
      if (header.baseBytes < 0
          || header.bytes < header.baseBytes
          || ((header.baseBytes | header.bytes) & 511) != 0) {
        throw new DamagedException(
            "the header makes no sense: from " + header.baseBytes + " to " + header.bytes);
      }
      return header;
    }

    private static String text(ByteBuffer bytes) throws DamagedException {
      try {
        return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
      } catch (CharacterCodingException e) {
        throw new DamagedException("the header makes no sense: its text is not UTF-8");
      }
    }
  }

  /** What checksums of records cover in front of the record: where in which file it stands. */
  interface Place {
    /** Version 1: nothing. */
    Place NOWHERE = record -> NOTHING;

    /** Read from its position to its limit. */
    ByteBuffer of(long record);
  }

  /** A record without its data. */
  public record Piece(int kind, long offset, long length) {
    /** With its checksum; {@code data} follows it, or nothing. */
    ByteBuffer write(ByteBuffer place, ByteBuffer data) {
      ByteBuffer all = buffer(RECORD_BYTES);
      all.putInt(0).putInt(kind).putLong(offset).putLong(length).flip();
      return all.putInt(0, checksum(place, all.duplicate().position(4), data));
    }

    /** Reads a record; its checksum is checked with the data. */
    static Piece read(ByteBuffer bytes) {
      return new Piece(bytes.getInt(4), bytes.getLong(8), bytes.getLong(16));
    }
  }

  /** Whether a record's bytes and its data are what was written. */
  static boolean intact(ByteBuffer place, ByteBuffer record, ByteBuffer data) {
    return record.getInt(0) == checksum(place, record.duplicate().rewind().position(4), data);
  }

  static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  static int checksum(ByteBuffer... parts) {
    CRC32C checksum = new CRC32C();
    for (ByteBuffer part : parts) {
      checksum.update(part.duplicate());
    }
    return (int) checksum.getValue();
  }

  /** Fills the buffer from its position to its limit, and rewinds it. */
  static void fill(ReadableByteChannel in, ByteBuffer into, String what) throws IOException {
    while (into.hasRemaining()) {
      if (in.read(into) < 0) {
        throw new DamagedException("it ends in the middle of " + what);
      }
    }
    into.rewind();
  }
}
