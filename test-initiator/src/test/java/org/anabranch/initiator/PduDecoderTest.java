// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** PDUs survive the encoder, any division of the stream, and the decoder. */
final class PduDecoderTest {
  private static final class Collected implements PduDecoder.Sink {
    private final List<Pdu> pdus = new ArrayList<>();

    @Override
    public ByteBuffer destination(Pdu pdu, int length) {
      // Room before and behind: only the segment itself may be written.
      return ByteBuffer.allocate(length + 9).position(4);
    }

    @Override
    public void received(Pdu pdu) {
      pdus.add(pdu);
    }
  }

  private static ByteBuf encode(boolean headerDigest, boolean dataDigest, Pdu... pdus) {
    PduEncoder encoder = new PduEncoder();
    encoder.use(headerDigest, dataDigest);
    EmbeddedChannel channel = new EmbeddedChannel();
    for (Pdu pdu : pdus) {
      encoder.write(pdu, channel);
    }
    channel.flush();
    ByteBuf all = Unpooled.buffer();
    for (ByteBuf part = channel.readOutbound(); part != null; part = channel.readOutbound()) {
      all.writeBytes(part);
      part.release();
    }
    return all;
  }

  private static Pdu some(Random random) {
    int[] lengths = {0, 1, 2, 3, 4, 511, 16 * 1024, 16 * 1024 + 1, 70_001};
    byte[] data = new byte[lengths[random.nextInt(lengths.length)]];
    random.nextBytes(data);
    Pdu pdu = new Pdu(Opcode.NOP_OUT).taskTag(random.nextInt()).lun(random.nextLong()).data(data);
    if (random.nextInt(3) == 0) {
      byte[] ahs = new byte[4 * (1 + random.nextInt(255))];
      random.nextBytes(ahs);
      pdu.ahs(ahs);
    }
    return pdu;
  }

  @ParameterizedTest
  @CsvSource({"false,false", "true,false", "false,true", "true,true"})
  void streamsInAnyPieces(boolean headerDigest, boolean dataDigest) throws Exception {
    for (int seed = 0; seed < 20; seed++) {
      Random random = new Random(seed);
      Pdu[] sent = new Pdu[1 + random.nextInt(8)];
      for (int i = 0; i < sent.length; i++) {
        sent[i] = some(random);
      }
      ByteBuf bytes = encode(headerDigest, dataDigest, sent);
      Collected collected = new Collected();
      PduDecoder decoder = new PduDecoder(collected);
      decoder.resume(headerDigest, dataDigest);
      int most = random.nextInt(3) == 0 ? 50 : 50_000;
      while (bytes.isReadable()) {
        int count = Math.min(bytes.readableBytes(), 1 + random.nextInt(most));
        ByteBuf piece = bytes.readSlice(count);
        decoder.decode(piece);
        assertThat(piece.isReadable()).isFalse();
      }
      assertThat(collected.pdus).as("seed %d", seed).hasSameSizeAs(sent);
      for (int i = 0; i < sent.length; i++) {
        assertThat(collected.pdus.get(i).bhs()).isEqualTo(sent[i].bhs());
        assertThat(collected.pdus.get(i).ahs()).isEqualTo(sent[i].ahs());
        assertThat(collected.pdus.get(i).dataBytes()).isEqualTo(sent[i].dataBytes());
      }
    }
  }

  @Test
  void wrongDigestsAreNoticed() {
    Pdu header = new Pdu(Opcode.NOP_OUT).corruptHeaderDigest();
    Pdu data = new Pdu(Opcode.NOP_OUT).data(new byte[5]).corruptDataDigest();
    for (Pdu wrong : List.of(header, data)) {
      PduDecoder decoder = new PduDecoder(new Collected());
      decoder.resume(true, true);
      assertThatThrownBy(() -> decoder.decode(encode(true, true, wrong)))
          .isInstanceOf(IscsiException.class)
          .hasMessageContaining("digest is wrong");
    }
  }

  /** The CRC of 32 zero bytes is in RFC 7143 appendix A.4; 48 bytes here, by the same rule. */
  @Test
  void digestIsLittleEndianCrc32c() {
    ByteBuf bytes = encode(true, false, new Pdu(0));
    java.util.zip.CRC32C crc = new java.util.zip.CRC32C();
    crc.update(new byte[32]);
    assertThat(crc.getValue()).isEqualTo(0x8a91_36aaL);
    crc.update(new byte[16]);
    assertThat(bytes.readableBytes()).isEqualTo(52);
    assertThat(bytes.getIntLE(48)).isEqualTo((int) crc.getValue());
  }

  @Test
  void stopsBehindTheLastLoginResponseUntilItKnowsTheDigests() throws Exception {
    Pdu login = new Pdu(Opcode.LOGIN_RESPONSE).flags(0x87).data("HeaderDigest=CRC32C\0");
    Pdu ping = new Pdu(Opcode.NOP_IN).taskTag(7);
    ByteBuf bytes = encode(false, false, login);
    bytes.writeBytes(encode(true, true, ping));
    Collected collected = new Collected();
    PduDecoder decoder = new PduDecoder(collected);
    decoder.decode(bytes);
    assertThat(collected.pdus).hasSize(1);
    assertThat(bytes.readableBytes()).isEqualTo(52);
    decoder.resume(true, true);
    decoder.decode(bytes);
    assertThat(collected.pdus).hasSize(2);
    assertThat(collected.pdus.get(1).taskTag()).isEqualTo(7);
  }

  @Test
  void aLoginThatGoesOnOrFailedDoesNotStopIt() throws Exception {
    Pdu goesOn = new Pdu(Opcode.LOGIN_RESPONSE).flags(0x04);
    Pdu failed = new Pdu(Opcode.LOGIN_RESPONSE).flags(0x87).u16(36, 0x0201);
    Collected collected = new Collected();
    new PduDecoder(collected).decode(encode(false, false, goesOn, failed, goesOn));
    assertThat(collected.pdus).hasSize(3);
  }

  @Test
  void lengthsGoOutAsTheyAreSet() {
    ByteBuf bytes =
        encode(false, false, new Pdu(Opcode.TEXT_REQUEST).data(new byte[8]).dataSegmentLength(99));
    assertThat(bytes.readableBytes()).isEqualTo(56);
    assertThat(bytes.getMedium(5)).isEqualTo(99);
  }
}
