// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import org.anabranch.server.exports.DeltaFormat.DamagedException;
import org.jspecify.annotations.Nullable;

/**
 * The beginning of a stream: what {@code snapshot export VOLUME@NAME -} writes and {@code volume
 * import} reads. A stream is a file of changed extents, version {@value #VERSION}: {@link
 * DeltaFormat} with two differences.
 *
 * <ul>
 *   <li>The text of the header is {@link Facts}: a line for each, {@code KEY VALUE}. A key that a
 *       reader does not know is passed over.
 *   <li>The checksum of a record also covers the u32 checksum of the header and the u64 number of
 *       the record, counted from 0, in front of it. So no record of another stream, or of another
 *       place in the same one, counts as right.
 * </ul>
 *
 * @param baseBytes how long the point is that it begins at; 0 when it has everything
 * @param bytes how long the snapshot is
 * @param facts what it is of
 * @param checksum of the header
 * @param original its bytes, which may have keys that are not known here
 */
public record StreamHeader(
    long baseBytes, long bytes, Facts facts, int checksum, ByteBuffer original) {
  static final int VERSION = 2;

  /**
   * What a stream is of.
   *
   * @param volume its name where it comes from
   * @param snapshot the snapshot's name there
   * @param created when the snapshot was taken
   * @param point identifies what the snapshot holds, wherever it is
   * @param base the point that must be there before; absent when the stream has everything
   * @param baseSnapshot its name, for people
   * @param blockSize bytes of the disk's blocks
   */
  public record Facts(
      String volume,
      String snapshot,
      Instant created,
      String point,
      @Nullable String base,
      @Nullable String baseSnapshot,
      int blockSize) {
    private String write() {
      Map<String, Object> lines = new LinkedHashMap<>();
      lines.put("volume", volume);
      lines.put("snapshot", snapshot);
      lines.put("created", created);
      lines.put("point", point);
      if (base != null) {
        lines.put("base", base);
      }
      if (baseSnapshot != null) {
        lines.put("base-snapshot", baseSnapshot);
      }
      lines.put("block-size", blockSize);
      StringBuilder text = new StringBuilder();
      lines.forEach((key, value) -> text.append(key).append(' ').append(value).append('\n'));
      return text.toString();
    }

    private static Facts read(String text) throws DamagedException {
      Map<String, String> lines = new LinkedHashMap<>();
      for (String line : text.split("\n", -1)) {
        int space = line.indexOf(' ');
        if (space > 0) {
          lines.put(line.substring(0, space), line.substring(space + 1));
        }
      }
      try {
        String base = lines.get("base");
        return new Facts(
            value(lines, "volume"),
            value(lines, "snapshot"),
            Instant.parse(value(lines, "created")),
            UUID.fromString(value(lines, "point")).toString(),
            base == null ? null : UUID.fromString(base).toString(),
            lines.get("base-snapshot"),
            Integer.parseInt(value(lines, "block-size")));
      } catch (IllegalArgumentException | DateTimeException e) {
        throw new DamagedException("the header makes no sense: " + e.getMessage());
      }
    }

    private static String value(Map<String, String> lines, String key) throws DamagedException {
      String value = lines.get(key);
      if (value == null || value.isEmpty()) {
        throw new DamagedException("the header makes no sense: it has no " + key);
      }
      return value;
    }
  }

  /** What checksums of its records cover in front of them. */
  public DeltaFormat.Place place() {
    return record ->
        DeltaFormat.buffer(Integer.BYTES + Long.BYTES).putInt(checksum).putLong(record).flip();
  }

  /** The header of a stream, and its bytes. */
  public record Written(StreamHeader header, ByteBuffer bytes) {}

  /** A header to be written. */
  public static Written write(long baseBytes, long bytes, Facts facts) {
    ByteBuffer all = new DeltaFormat.Header(baseBytes, bytes, facts.write()).write(VERSION);
    int checksum = all.getInt(all.limit() - Integer.BYTES);
    return new Written(new StreamHeader(baseBytes, bytes, facts, checksum, all.duplicate()), all);
  }

  /**
   * Reads a header.
   *
   * @throws DamagedException when there is none, or it is damaged
   */
  public static StreamHeader read(ReadableByteChannel in) throws IOException {
    DeltaFormat.Header header = DeltaFormat.Header.read(in, VERSION);
    ByteBuffer again = header.write(VERSION); // its checksum was compared
    Facts facts = Facts.read(header.text());
    if ((facts.base() == null) != (header.baseBytes() == 0) || header.bytes() == 0) {
      throw new DamagedException(
          "the header makes no sense: from "
              + header.baseBytes()
              + " to "
              + header.bytes()
              + " since "
              + facts.base());
    }
    int checksum = again.getInt(again.limit() - Integer.BYTES);
    return new StreamHeader(header.baseBytes(), header.bytes(), facts, checksum, again);
  }

  /** The header as it was read: the same bytes. */
  public ByteBuffer bytesOfHeader() {
    return original.duplicate();
  }

  /** For messages: {@code vm1@b since vm1@a}. */
  @Override
  public String toString() {
    String since = facts.baseSnapshot() == null ? "" : " since " + facts.baseSnapshot();
    return facts.volume() + "@" + facts.snapshot() + since;
  }
}
