// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class PduDecoderTest {
  private static final int MOST = 1 << 16;

  /** Keeps what it receives; refuses what is longer than {@link #MOST}. */
  private static final class Recorder implements PduDecoder.Receiver {
    final List<String> log = new ArrayList<>();
    final List<byte[]> data = new ArrayList<>();
    ByteBuf sink = Unpooled.EMPTY_BUFFER;
    final PduDecoder decoder = new PduDecoder(this);
    int sinkAt;
    int sinkMost = Integer.MAX_VALUE;
    boolean direct;

    @Override
    public boolean fits(Pdu pdu) {
      if (pdu.dataLength() > MOST) {
        log.add("too long " + pdu.dataLength());
        decoder.halt();
        return false;
      }
      return true;
    }

    @Override
    public void begin(Pdu pdu) {
      int length = Math.min(pdu.dataLength(), sinkMost);
      sink = direct ? Unpooled.directBuffer(sinkAt + length) : Unpooled.buffer(sinkAt + length);
      pdu.sink(sink, sinkAt, length);
    }

    @Override
    public void complete(Pdu pdu, boolean digestRight) {
      log.add(pdu.taskTag() + (digestRight ? "" : " damaged"));
      byte[] bytes = new byte[Math.min(pdu.dataLength(), sinkMost)];
      sink.getBytes(sinkAt, bytes);
      data.add(bytes);
    }

    @Override
    public void headerDigestWrong() {
      log.add("header damaged");
      decoder.halt();
    }
  }

  private final Recorder recorder = new Recorder();
  private final PduDecoder decoder = recorder.decoder;
  private final PduEncoder encoder = new PduEncoder(ByteBufAllocator.DEFAULT);

  private ByteBuf pdu(int tag, byte[] data) {
    ByteBuffer header = ByteBuffer.allocate(Pdu.BASIC_HEADER);
    header.put(0, (byte) 0x05).putInt(16, tag);
    ByteBuf pdu = encoder.frame(header, data);
    ByteBuf copy = Unpooled.copiedBuffer(pdu);
    pdu.release();
    return copy;
  }

  private static byte[] random(Random random, int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  private static Digests digests(boolean header, boolean data) {
    return new Digests(
        header ? Digests.Digest.CRC32C : Digests.Digest.NONE,
        data ? Digests.Digest.CRC32C : Digests.Digest.NONE);
  }

  @ParameterizedTest
  @CsvSource({"false,false", "true,false", "false,true", "true,true"})
  void piecesOfAnySizeMakeTheSamePdus(boolean headerDigest, boolean dataDigest) {
    Random random = new Random(11);
    encoder.digests(digests(headerDigest, dataDigest));
    decoder.digests(digests(headerDigest, dataDigest));
    List<byte[]> sent = new ArrayList<>();
    List<String> expected = new ArrayList<>();
    ByteBuf stream = Unpooled.buffer();
    for (int i = 0; i < 300; i++) {
      byte[] data = random(random, random.nextInt(4) == 0 ? 0 : random.nextInt(300));
      sent.add(data);
      expected.add(String.valueOf(i));
      stream.writeBytes(pdu(i, data));
    }
    while (stream.isReadable()) {
      decoder.decode(stream.readSlice(Math.min(1 + random.nextInt(200), stream.readableBytes())));
    }
    assertThat(recorder.log).isEqualTo(expected);
    for (int i = 0; i < sent.size(); i++) {
      assertThat(recorder.data.get(i)).as("data of PDU %s", i).isEqualTo(sent.get(i));
    }
  }

  /** The socket may put data where it belongs by itself, as far as the sink goes. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void dataThatIsReadInPlaceIsTakenAsItIs(boolean digests) {
    encoder.digests(digests(digests, digests));
    decoder.digests(digests(digests, digests));
    recorder.direct = true;
    recorder.sinkAt = 3;
    recorder.sinkMost = 900;
    byte[] data = random(new Random(4), 1001);
    ByteBuf stream = Unpooled.copiedBuffer(pdu(1, data), pdu(2, data));
    for (int tag = 1; tag <= 2; tag++) {
      assertThat(decoder.room(1)).as("room before the header").isNull();
      decoder.decode(stream.readSlice(Pdu.BASIC_HEADER + (digests ? 4 : 0) + 100));
      assertThat(decoder.room(801)).as("more room than there is").isNull();
      for (int piece : new int[] {300, 500}) {
        ByteBuf room = Objects.requireNonNull(decoder.room(piece));
        stream.readBytes(room, piece);
        decoder.decode(room);
        assertThat(room.isReadable()).isFalse();
        room.release();
      }
      assertThat(decoder.room(1)).as("room behind the sink").isNull();
      decoder.decode(stream.readSlice(101 + 3 + (digests ? 4 : 0)));
      assertThat(recorder.sink.refCnt()).as("holders of the sink").isEqualTo(1);
      recorder.sink.release();
    }
    assertThat(recorder.log).containsExactly("1", "2");
    byte[] kept = Arrays.copyOf(data, 900);
    assertThat(recorder.data).containsExactly(kept, kept);
  }

  /** The owner of a sink may give it up, as an aborted command does, while data still comes. */
  @Test
  void aSinkThatIsGivenUpStaysUntilItsDataHasCome() {
    byte[] data = random(new Random(5), 1000);
    ByteBuf stream = pdu(1, data);
    decoder.decode(stream.readSlice(Pdu.BASIC_HEADER + 100));
    ByteBuf sink = recorder.sink;
    sink.release();
    decoder.decode(stream);
    assertThat(recorder.data).containsExactly(data);
    assertThat(sink.refCnt()).isZero();
  }

  @Test
  void aSinkIsLetGoWhenTheConnectionEnds() {
    decoder.decode(pdu(1, new byte[1000]).readSlice(Pdu.BASIC_HEADER + 100));
    recorder.sink.release();
    decoder.close();
    assertThat(recorder.sink.refCnt()).isZero();
  }

  @Test
  void whatIsBeyondTheSinkIsThrownAway() {
    recorder.sinkMost = 10;
    recorder.sinkAt = 3;
    byte[] data = random(new Random(1), 1000);
    ByteBuf stream = Unpooled.wrappedBuffer(pdu(1, data), pdu(2, new byte[0])).copy();
    decoder.decode(stream);
    assertThat(recorder.log).containsExactly("1", "2");
    assertThat(recorder.data.getFirst()).isEqualTo(Arrays.copyOf(data, 10));
  }

  @Test
  void aPduLongerThanAllowedTakesNoMemory() {
    ByteBuf stream = pdu(1, new byte[0]);
    stream.setMedium(5, MOST + 1);
    decoder.decode(stream);
    assertThat(recorder.log).containsExactly("too long " + (MOST + 1));
    assertThat(recorder.sink).isSameAs(Unpooled.EMPTY_BUFFER);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 5, 17, 47, 48, 51})
  void aDamagedHeaderIsNoticed(int at) {
    encoder.digests(digests(true, false));
    decoder.digests(digests(true, false));
    ByteBuf stream = pdu(1, new byte[4]);
    stream.setByte(at, stream.getByte(at) ^ 0x10);
    // A damaged length may be refused first.
    decoder.decode(stream);
    assertThat(recorder.log).hasSize(1).first().asString().matches("header damaged|too long.*");
  }

  @ParameterizedTest
  @ValueSource(ints = {48, 51, 52, 53, 55, 56, 59})
  void damagedDataIsNoticedAndTheNextPduIsNot(int at) {
    encoder.digests(digests(false, true));
    decoder.digests(digests(false, true));
    ByteBuf stream = pdu(1, new byte[5]);
    stream.setByte(at, stream.getByte(at) ^ 0x10);
    decoder.decode(stream);
    decoder.decode(pdu(2, new byte[5]));
    assertThat(recorder.log).containsExactly("1 damaged", "2");
  }

  @Test
  void additionalHeaderSegmentsAreWordsNotBytes() {
    ByteBuf stream = Unpooled.buffer();
    stream.writeZero(48).writeZero(20).writeBytes(new byte[] {1, 2, 3, 4});
    stream.setByte(0, 1).setByte(4, 5).setMedium(5, 4).setInt(16, 9);
    decoder.decode(stream);
    assertThat(recorder.log).containsExactly("9");
    assertThat(recorder.data.getFirst()).containsExactly(1, 2, 3, 4);
    assertThat(stream.isReadable()).isFalse();
  }

  @Test
  void haltedItLeavesItsInputAlone() {
    ByteBuf stream = Unpooled.wrappedBuffer(pdu(1, new byte[3]), pdu(2, new byte[3])).copy();
    decoder.halt();
    decoder.decode(stream);
    assertThat(stream.readerIndex()).isZero();
    decoder.resume();
    decoder.decode(stream);
    assertThat(recorder.log).containsExactly("1", "2");
  }

  /** Whatever comes, the decoder keeps to what a receiver allows. */
  @Test
  void anyBytesAtAll() {
    Random random = new Random(5);
    for (int round = 0; round < 2000; round++) {
      Recorder any = new Recorder();
      PduDecoder fresh = any.decoder;
      fresh.digests(digests(random.nextBoolean(), random.nextBoolean()));
      ByteBuf stream = Unpooled.wrappedBuffer(random(random, random.nextInt(3000)));
      for (int at = 0; at + 8 <= stream.capacity() && random.nextInt(4) > 0; at += 48) {
        stream.setInt(at + 4, random.nextInt(3) << 24 | random.nextInt(64));
      }
      fresh.decode(stream);
      assertThat(any.sink.capacity()).isLessThanOrEqualTo(MOST);
    }
  }
}
