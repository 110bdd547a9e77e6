// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;
import org.anabranch.fuzz.Fuzzer;
import org.anabranch.server.base.RefusedException;
import org.junit.jupiter.api.Test;

/**
 * Any bytes as the stream of a snapshot. They are read as they are; and since checksums stop nearly
 * all of them, once more as parts of a stream with right checksums: lengths, text, records.
 */
public final class StreamFuzzTest {
  private static final int RECORD = 20;

  @Test
  void streams() throws Exception {
    new Fuzzer(
            "streams",
            "ANADELTA",
            "volume v\n",
            "created 2026-11-29T09:00:00Z\n",
            "base ",
            "block-size 512\n",
            "\0")
        .run(3_000, StreamFuzzTest::take);
  }

  /** The input is a stream, and is what a stream is made of. */
  public static String take(byte[] input) throws IOException, RefusedException {
    return read(input) + ", sealed " + read(sealed(input));
  }

  private static String read(byte[] stream) throws IOException, RefusedException {
    ReadableByteChannel in = Channels.newChannel(new ByteArrayInputStream(stream));
    try {
      StreamHeader header = StreamHeader.read(in);
      AtomicLong behind = new AtomicLong();
      new DeltaReader(in, header.bytes(), header.place())
          .read(
              progress -> {},
              (piece, data) -> {
                assertThat(piece.length()).isPositive();
                assertThat(piece.offset()).isGreaterThanOrEqualTo(behind.get());
                assertThat(piece.length()).isLessThanOrEqualTo(header.bytes() - piece.offset());
                behind.set(piece.offset() + piece.length());
              });
      return "read";
    } catch (DeltaFormat.DamagedException e) {
      return String.valueOf(e.getMessage()).replaceAll("(?<=no sense: ).*|[0-9]+", "n");
    }
  }

  /**
   * Two lengths, text up to a zero byte, and records: kind, offset, length, and as much data as
   * there is up to that length, which then counts.
   */
  private static byte[] sealed(byte[] input) {
    ByteBuffer from = ByteBuffer.wrap(input);
    long base = from.remaining() < Long.BYTES ? 0 : from.getLong();
    long bytes = from.remaining() < Long.BYTES ? 0 : from.getLong();
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    while (from.hasRemaining()) {
      byte next = from.get();
      if (next == 0) {
        break;
      }
      text.write(next);
    }
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    ByteBuffer header =
        new DeltaFormat.Header(base, bytes, text.toString(StandardCharsets.UTF_8))
            .write(StreamHeader.VERSION);
    int checksum = header.getInt(header.limit() - Integer.BYTES);
    put(all, header);
    DeltaFormat.Place place =
        record ->
            DeltaFormat.buffer(Integer.BYTES + Long.BYTES).putInt(checksum).putLong(record).flip();
    for (long record = 0; from.remaining() >= RECORD; record++) {
      int kind = from.getInt();
      long offset = from.getLong();
      long length = from.getLong();
      ByteBuffer data = DeltaFormat.NOTHING;
      if (kind == DeltaFormat.DATA && length > 0) {
        data = from.slice(from.position(), (int) Math.min(length, from.remaining()));
        from.position(from.position() + data.limit());
      }
      put(
          all,
          new DeltaFormat.Piece(kind, offset, length).write(place.of(record), data.duplicate()));
      put(all, data.duplicate());
    }
    return all.toByteArray();
  }

  private static void put(ByteArrayOutputStream all, ByteBuffer bytes) {
    byte[] copy = new byte[bytes.remaining()];
    bytes.get(copy);
    all.writeBytes(copy);
  }
}
