// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.Objects;
import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.exports.DeltaFormat.DamagedException;
import org.anabranch.server.snapshots.VolumeUnderTest;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Streams of snapshots: what is in them, and that nothing damaged counts as one. */
final class StreamTest {
  private static final int MIB = 1 << 20;
  private static final int BYTES = 1 << 14;

  @TempDir private Path folder;

  /** What a stream makes of an image. */
  private record Applied(StreamHeader header, byte[] image) {}

  private static ReadableByteChannel channel(byte[] bytes) {
    return Channels.newChannel(new ByteArrayInputStream(bytes));
  }

  private static Applied apply(byte[] stream, byte[] base) throws Exception {
    ReadableByteChannel in = channel(stream);
    StreamHeader header = StreamHeader.read(in);
    assertThat(header.baseBytes()).isEqualTo(base.length);
    byte[] image = Arrays.copyOf(base, (int) header.bytes());
    new DeltaReader(in, header.bytes(), header.place())
        .read(
            read -> {},
            (record, data) -> {
              int from = (int) record.offset();
              if (record.kind() == DeltaFormat.DATA) {
                data.get(image, from, data.remaining());
              } else {
                Arrays.fill(image, from, from + (int) record.length(), (byte) 0);
              }
            });
    return new Applied(header, image);
  }

  private static byte[] stream(VolumeUnderTest volume, String device, @Nullable String since)
      throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    volume.exports.stream(
        device,
        since,
        part -> {
          byte[] bytes = new byte[part.remaining()];
          part.get(bytes);
          out.writeBytes(bytes);
        },
        state -> {});
    return out.toByteArray();
  }

  @Test
  void aStreamHasTheSnapshotAndOneSinceAnotherWhatChanged() throws Exception {
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.write(0, 3 * MIB, 1);
      volume.write(10 * MIB, MIB / 2, 2);
      byte[] first = volume.contents.clone();
      volume.snapshot("a");
      volume.write(MIB, 8192, 3);
      volume.write(2 * MIB, MIB, 0);
      byte[] second = volume.contents.clone();
      volume.snapshot("b");
      volume.write(5 * MIB, MIB, 4);

      byte[] whole = stream(volume, "vm1@a", null);
      assertThat(whole.length).as("holes are not sent").isLessThan(4 * MIB);
      Applied a = apply(whole, new byte[0]);
      assertThat(a.image()).isEqualTo(first);
      assertThat(a.header()).hasToString("vm1@a");
      byte[] since = stream(volume, "vm1@b", "vm1@a");
      assertThat(since.length).isLessThan(MIB);
      Applied b = apply(since, a.image());
      assertThat(b.image()).isEqualTo(second);
      assertThat(b.header()).hasToString("vm1@b since vm1@a");
      assertThat(b.header().facts().base()).isEqualTo(a.header().facts().point());
      assertThat(b.header().facts().point()).isNotEqualTo(a.header().facts().point());
    }
  }

  private static byte[] small(String point) throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    DeltaWriter.Output output =
        part -> {
          byte[] bytes = new byte[part.remaining()];
          part.get(bytes);
          out.writeBytes(bytes);
        };
    StreamHeader.Written header =
        StreamHeader.write(
            BYTES,
            BYTES,
            new StreamHeader.Facts(
                "vm1",
                "tuesday",
                Instant.parse("2026-11-24T03:00:00Z"),
                point,
                "e3b4d1f8-27a9-4f44-a8f0-a3e95ffb6d54",
                "vm1@monday",
                512));
    DeltaWriter writer = new DeltaWriter(output, header.bytes(), header.header().place());
    writer.add(0, data(1024, 7));
    writer.add(4096, data(512, 8));
    writer.add(8192, ByteBuffer.allocate(4096));
    writer.add(12288, data(512, 9));
    writer.end();
    return out.toByteArray();
  }

  private static ByteBuffer data(int length, int fill) {
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, (byte) fill);
    return ByteBuffer.wrap(bytes);
  }

  private static final String POINT = "1b4e28ba-2fa1-41d2-883f-0016d3cca427";

  @Test
  void eachChangedByteIsFound() throws Exception {
    byte[] good = small(POINT);
    apply(good, new byte[BYTES]);
    for (int at = 0; at < good.length; at++) {
      for (int bit : new int[] {1, 0x80, 0xff}) {
        byte[] bad = good.clone();
        bad[at] ^= (byte) bit;
        assertThatThrownBy(() -> apply(bad, new byte[BYTES]))
            .as("byte %d", at)
            .isInstanceOf(DamagedException.class);
      }
    }
  }

  @Test
  void eachCutIsFoundAndSoIsWhatFollows() throws Exception {
    byte[] good = small(POINT);
    for (int length = 0; length < good.length; length++) {
      byte[] cut = Arrays.copyOf(good, length);
      assertThatThrownBy(() -> apply(cut, new byte[BYTES]))
          .as("cut to %d", length)
          .isInstanceOf(DamagedException.class);
    }
    byte[] more = Arrays.copyOf(good, good.length + 1);
    assertThatThrownBy(() -> apply(more, new byte[BYTES])).hasMessage("something follows its end");
  }

  /** Each checksum is right, but a record stands where it does not belong. */
  @Test
  void recordsOfAnotherStreamOrPlaceAreFound() throws Exception {
    byte[] good = small(POINT);
    byte[] other = small("2c5f39cb-30b2-42e3-994f-1127e4ddb538");
    assertThat(other).hasSameSizeAs(good);
    int header = 32 + ByteBuffer.wrap(good).order(java.nio.ByteOrder.LITTLE_ENDIAN).getInt(12) + 4;
    byte[] spliced = other.clone();
    System.arraycopy(good, header, spliced, header, good.length - header);
    assertThatThrownBy(() -> apply(spliced, new byte[BYTES]))
        .hasMessage("record 0 is damaged: its checksum is wrong");
    int first = DeltaFormat.RECORD_BYTES + 1024;
    byte[] without = Arrays.copyOf(good, good.length - first);
    System.arraycopy(good, header + first, without, header, good.length - header - first);
    assertThatThrownBy(() -> apply(without, new byte[BYTES]))
        .hasMessage("record 0 is damaged: its checksum is wrong");
  }

  /** Written by the first version that had streams. */
  @Test
  void anOldStreamStaysReadable() throws Exception {
    try (InputStream in =
        Objects.requireNonNull(StreamTest.class.getResourceAsStream("/streams/version-2.stream"))) {
      byte[] golden = in.readAllBytes();
      assertThat(golden).isEqualTo(small(POINT));
      Applied applied = apply(golden, new byte[BYTES]);
      assertThat(applied.header().facts().created())
          .isEqualTo(Instant.parse("2026-11-24T03:00:00Z"));
      assertThat(applied.header().facts().blockSize()).isEqualTo(512);
      assertThat(applied.image()[1023]).isEqualTo((byte) 7);
      assertThat(applied.image()[4096]).isEqualTo((byte) 8);
      assertThat(applied.image()[12288]).isEqualTo((byte) 9);
    }
  }

  @Test
  void aKeyThatIsNotKnownIsPassedOver() throws Exception {
    String text =
        """
        volume vm1
        snapshot a
        created 2026-11-24T03:00:00Z
        point 1b4e28ba-2fa1-41d2-883f-0016d3cca427
        colour blue and green
        block-size 4096
        """;
    byte[] bytes = new DeltaFormat.Header(0, 1 << 20, text).write(StreamHeader.VERSION).array();
    assertThat(StreamHeader.read(channel(bytes)).facts().blockSize()).isEqualTo(4096);
    for (String wrong : new String[] {"point x", "point", "created now", "block-size 1.5"}) {
      String key = wrong.replaceFirst(" .*", "");
      byte[] bad =
          new DeltaFormat.Header(0, 1 << 20, text.replaceFirst(key + " .*", wrong))
              .write(StreamHeader.VERSION)
              .array();
      assertThatThrownBy(() -> StreamHeader.read(channel(bad)))
          .isInstanceOf(DamagedException.class)
          .hasMessageContaining("makes no sense");
    }
  }

  @Test
  void theOtherKindOfFileIsNamed() throws Exception {
    byte[] delta = new DeltaFormat.Header(512, 512, "x").write().array();
    assertThatThrownBy(() -> StreamHeader.read(channel(delta)))
        .hasMessage("it has version 1, not 2: it is a file of extents, for snapshot import");
    assertThatThrownBy(() -> DeltaFormat.Header.read(channel(small(POINT))))
        .hasMessage("it has version 2, not 1: it is a stream, for volume import");
  }

  @Test
  void whoeverIsGoneEndsTheStream() throws Exception {
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.write(0, 3 * MIB, 1);
      volume.snapshot("a");
      assertThatThrownBy(() ->
              volume.exports.stream(
                  "vm1@a",
                  null,
                  part -> {
                    throw new ClientGoneException(new IOException("closed"));
                  },
                  state -> {}))
          .isInstanceOf(ClientGoneException.class);
      volume.snapshots.remove("vm1@a", false); // nobody reads it any more
      assertThatThrownBy(() -> volume.exports.stream("vm1@a", null, part -> {}, state -> {}))
          .isInstanceOf(RefusedException.class);
    }
  }
}
