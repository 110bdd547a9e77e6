// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import static org.anabranch.iscsi.ServerUnderTest.await;
import static org.anabranch.iscsi.ServerUnderTest.options;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.anabranch.fuzz.Fuzzer;
import org.anabranch.initiator.RawConnection;
import org.anabranch.initiator.Session;
import org.anabranch.iscsi.wire.Digests;
import org.anabranch.iscsi.wire.Pdu;
import org.anabranch.iscsi.wire.PduDecoder;
import org.anabranch.iscsi.wire.ScsiCommandHeader;
import org.anabranch.jscsi.ColdPdus;
import org.anabranch.jscsi.LoginRequest;
import org.anabranch.jscsi.LoginResponse;
import org.anabranch.jscsi.LoginStatus;
import org.anabranch.jscsi.MalformedPduException;
import org.junit.jupiter.api.Test;

/** Any bytes at all: as frames, as headers, as text, and on connections of a server. */
public final class ProtocolFuzzTest {
  private static final int MOST = 1 << 14;

  // --- frames -------------------------------------------------------------------------------

  /** Keeps the data of what it receives; refuses what is longer than {@link #MOST}. */
  private static final class Recorder implements PduDecoder.Receiver {
    final StringBuilder said = new StringBuilder();
    final List<Integer> data = new ArrayList<>();
    final PduDecoder decoder = new PduDecoder(this);
    ByteBuf sink = Unpooled.EMPTY_BUFFER;

    @Override
    public boolean fits(Pdu pdu) {
      if (pdu.dataLength() <= MOST) {
        return true;
      }
      said.append(" long");
      decoder.halt();
      return false;
    }

    @Override
    public void begin(Pdu pdu) {
      sink = Unpooled.buffer(pdu.dataLength(), pdu.dataLength());
      pdu.sink(sink, 0, pdu.dataLength());
      byte[] cdb = ScsiCommandHeader.cdb(pdu.header(), pdu.additionalLength());
      assertThat(cdb == null || (cdb.length >= 16 && cdb.length <= 16 + 255 * 4)).isTrue();
    }

    @Override
    public void complete(Pdu pdu, boolean digestRight) {
      said.append(' ').append(pdu.opcode()).append(digestRight ? "" : " damaged");
      said.append(Integer.bitCount(pdu.dataLength())).append(pdu.additionalLength() > 0);
      data.add(Arrays.hashCode(sink.array()));
    }

    @Override
    public void headerDigestWrong() {
      said.append(" header");
      decoder.halt();
    }
  }

  /** The first byte says which digests are in use, and where the stream is cut. */
  private static Digests digests(int bits) {
    return new Digests(
        (bits & 1) != 0 ? Digests.Digest.CRC32C : Digests.Digest.NONE,
        (bits & 2) != 0 ? Digests.Digest.CRC32C : Digests.Digest.NONE);
  }

  @Test
  void frames() throws Exception {
    new Fuzzer("frames").run(20_000, ProtocolFuzzTest::takeFrames);
  }

  /** A stream of PDUs, decoded as a whole and in pieces: the same must come of both. */
  public static String takeFrames(byte[] input) {
    int first = input.length == 0 ? 0 : input[0];
    Recorder whole = new Recorder();
    Recorder pieces = new Recorder();
    for (Recorder recorder : List.of(whole, pieces)) {
      recorder.decoder.digests(digests(first));
    }
    whole.decoder.decode(stream(input));
    ByteBuf stream = stream(input);
    Random cuts = new Random(first);
    while (stream.isReadable() && !pieces.said.toString().matches(".*(long|header)")) {
      int piece = Math.min(1 + cuts.nextInt(80), stream.readableBytes());
      pieces.decoder.decode(stream.readSlice(piece));
    }
    assertThat(pieces.said.toString()).isEqualTo(whole.said.toString());
    assertThat(pieces.data).isEqualTo(whole.data);
    return whole.said.toString();
  }

  private static ByteBuf stream(byte[] input) {
    int from = Math.min(1, input.length);
    return Unpooled.wrappedBuffer(input, from, input.length - from);
  }

  // --- headers ------------------------------------------------------------------------------

  @Test
  void headers() throws Exception {
    new Fuzzer("headers").run(20_000, ProtocolFuzzTest::takeHeader);
  }

  /** 48 bytes, read as every PDU that jSCSI's parsers read; what a login says goes back out. */
  public static String takeHeader(byte[] input) {
    byte[] header = Arrays.copyOf(input, ColdPdus.HEADER_LENGTH);
    return read("login", () -> loginResponse(opcode(header, 0x43)))
        + read("text", () -> ColdPdus.textRequest(opcode(header, 0x04)).isFinal())
        + read("logout", () -> ColdPdus.logoutRequest(opcode(header, 0x06)).reason())
        + read("nop", () -> ColdPdus.nopOut(opcode(header, 0x40)).taskTag() == -1);
  }

  /** Reads something that may be malformed, and nothing worse. */
  private interface Reading {
    Object read() throws MalformedPduException;
  }

  private static String read(String what, Reading reading) {
    try {
      return what + reading.read() + " ";
    } catch (MalformedPduException e) {
      return what + "! ";
    }
  }

  private static ByteBuffer opcode(byte[] header, int code) {
    return ByteBuffer.wrap(header.clone()).put(0, (byte) code);
  }

  private static String loginResponse(ByteBuffer header) throws MalformedPduException {
    LoginRequest request = ColdPdus.loginRequest(header);
    boolean transit = request.transit();
    for (LoginStatus status : LoginStatus.values()) {
      boolean failed = status != LoginStatus.SUCCESS;
      ByteBuffer response =
          ColdPdus.loginResponse(
              new LoginResponse(
                  transit && !failed,
                  request.continues() && !transit && !failed,
                  request.current(),
                  request.next(),
                  request.isid(),
                  failed ? request.tsih() : 1,
                  request.taskTag(),
                  7,
                  request.cmdSn(),
                  request.cmdSn(),
                  status));
      assertThat(response.getShort(36)).isEqualTo((short) status.code());
      assertThat(response.getLong(8) >>> 16).isEqualTo(request.isid());
      assertThat(response.getInt(16)).isEqualTo(request.taskTag());
    }
    return "" + transit + request.continues() + request.current() + request.next();
  }

  // --- connections --------------------------------------------------------------------------

  /**
   * The first byte says whether the rest comes before login or after; a session beside it goes on,
   * and the log has no exception.
   */
  @Test
  void connections() throws Exception {
    try (ServerUnderTest server = new ServerUnderTest(2)) {
      Session neighbour = server.login(options());
      new Fuzzer("connections", "InitiatorName=", "SendTargets=All\0", "\0\0\0\1")
          .run(
              100,
              input -> {
                boolean loggedIn = input.length > 0 && (input[0] & 1) != 0;
                try (RawConnection connection = server.connect()) {
                  if (loggedIn) {
                    await(server.initiator().logIn(connection, options()));
                  }
                  connection.sendBytes(
                      Arrays.copyOfRange(input, Math.min(1, input.length), input.length));
                  assertThat(await(neighbour.ping(new byte[] {1, 2, 3, 4})))
                      .containsExactly(1, 2, 3, 4);
                }
                server.log().assertClean();
                return "" + loggedIn;
              });
      // What was done to its unit is another matter.
      assertThat(neighbour.isOpen()).isTrue();
    }
  }
}
