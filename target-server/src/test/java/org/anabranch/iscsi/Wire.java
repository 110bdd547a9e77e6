// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import static org.anabranch.iscsi.ServerUnderTest.await;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.IscsiException;
import org.anabranch.initiator.Opcode;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.RawConnection;
import org.anabranch.initiator.Requests;
import org.anabranch.initiator.Sense;
import org.anabranch.initiator.SessionOptions;

/**
 * A raw connection that has logged in, and what the target says on it, in short words:
 *
 * <pre>
 *   reject 09         Reject, reason            tmf 01       task management response
 *   status 00         SCSI Response             logout 00    logout response
 *   status 02 5/2400    with key and code       text, nop    Text Response, answer to a ping
 *   data 00           Data-In with status       r2t, async 01
 *   drop              the connection is closed
 * </pre>
 */
public final class Wire implements AutoCloseable {
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final int PING = 0x7fff_0000;

  private final RawConnection connection;
  private final boolean discovery;
  private int cmdSn = 1;
  private int tag = 100;
  private int pings;
  private final ArrayDeque<Pdu> unread = new ArrayDeque<>();

  public Wire(ServerUnderTest server, SessionOptions options) throws Exception {
    connection = server.connect();
    discovery = options.targetName() == null;
    await(server.initiator().logIn(connection, options));
    if (discovery) {
      return;
    }
    // A new nexus owes unit attentions; they would be the answer to everything.
    for (int i = 0; i < 4; i++) {
      send(Requests.command(0, nextTag(), Cdb.testUnitReady(), Requests.FINAL, 0));
      if (describe(receive()).equals("status 00")) {
        return;
      }
    }
    throw new AssertionError("the unit attentions do not end");
  }

  public RawConnection connection() {
    return connection;
  }

  public int nextTag() {
    return tag++;
  }

  /** The number that the next command should have. */
  public int cmdSn() {
    return cmdSn;
  }

  /** Sends a PDU that takes the next CmdSN, unless it is for immediate delivery. */
  public void send(Pdu pdu) {
    connection.send(pdu.cmdSn(cmdSn));
    if (!pdu.immediate() && pdu.opcode() != Opcode.DATA_OUT) {
      cmdSn++;
    }
  }

  public Pdu receive() throws Exception {
    Pdu first = unread.poll();
    return first == null ? connection.receive(LONG) : first;
  }

  /** What was looked at is still part of what the target said. */
  public void unread(Pdu pdu) {
    unread.add(pdu);
  }

  /** Sends a write without its data, and receives the R2T. */
  public Pdu startWrite(long lba, int bytes) throws Exception {
    send(write(lba, bytes));
    Pdu r2t = receive();
    assertThat(describe(r2t)).isEqualTo("r2t");
    return r2t;
  }

  /** A write without its data. */
  public Pdu write(long lba, int bytes) {
    return Requests.command(
        0, nextTag(), Cdb.write(lba, bytes / 512, false), Requests.FINAL | Requests.WRITE, bytes);
  }

  /** A Data-Out that answers an R2T, for some of the burst. */
  public static Pdu dataFor(Pdu r2t, int dataSn, int offset, int bytes, boolean isFinal) {
    return Requests.dataOut(r2t.lun(), r2t.taskTag(), r2t.transferTag(), dataSn, offset, isFinal)
        .data(ByteBuffer.allocate(bytes));
  }

  /**
   * All that the target said up to now. When that is not {@code expected} it may be under way
   * still, and is waited for.
   */
  public String outcome(Pattern expected) throws Exception {
    List<String> words = new ArrayList<>();
    long deadline = System.nanoTime() + LONG.toNanos();
    try {
      collectUpToPing(words);
      while (!expected.matcher(String.join(" ", words)).matches() && System.nanoTime() < deadline) {
        Pdu pdu = connection.receive(Duration.ofSeconds(2));
        cmdSn = pdu.expCmdSn();
        add(words, pdu);
      }
    } catch (IscsiException e) {
      words.add("drop");
    } catch (TimeoutException e) {
      // So this is all.
    }
    return String.join(" ", words);
  }

  /** A ping for immediate delivery is answered whatever became of the PDUs before it. */
  private void collectUpToPing(List<String> words) throws Exception {
    int ping = PING + pings++;
    // There are no pings in a discovery session, but text.
    Pdu request = discovery ? Requests.text(ping, Pdu.NO_TAG) : Requests.nopOut(ping);
    connection.send(request.immediate(true).cmdSn(cmdSn));
    while (true) {
      Pdu pdu = receive();
      if (pdu.taskTag() == ping) {
        cmdSn = pdu.expCmdSn();
        return;
      }
      add(words, pdu);
    }
  }

  /** What the target has said until it answers a ping. */
  public List<String> saysNow() throws Exception {
    List<String> words = new ArrayList<>();
    collectUpToPing(words);
    return words;
  }

  private static void add(List<String> words, Pdu pdu) {
    String word = describe(pdu);
    if (!word.isEmpty()) {
      words.add(word);
    }
  }

  /** The session is in order: a command is executed and answered. */
  public void assertWorks() throws Exception {
    if (discovery) {
      collectUpToPing(new ArrayList<>());
      return;
    }
    String answer = readyOrNot();
    if (answer.startsWith("status 02 6/")) {
      answer = readyOrNot();
    }
    assertThat(answer).as("a command afterwards").isEqualTo("status 00");
  }

  /** Late answers to what came before are passed over. */
  private String readyOrNot() throws Exception {
    int own = nextTag();
    send(Requests.command(0, own, Cdb.testUnitReady(), Requests.FINAL, 0));
    Pdu answer = receive();
    while (answer.taskTag() != own) {
      answer = receive();
    }
    return describe(answer);
  }

  public static String describe(Pdu pdu) {
    return switch (pdu.opcode()) {
      case Opcode.REJECT -> String.format("reject %02x", pdu.u8(2));
      case Opcode.SCSI_RESPONSE -> {
        String text = String.format("status %02x", pdu.u8(3));
        byte[] data = pdu.dataBytes();
        Sense sense =
            data.length < 2 ? null : Sense.parse(Arrays.copyOfRange(data, 2, data.length));
        yield sense == null ? text : String.format("%s %x/%04x", text, sense.key(), sense.code());
      }
      case Opcode.DATA_IN -> (pdu.flags() & 1) != 0 ? String.format("data %02x", pdu.u8(3)) : "";
      case Opcode.TASK_MANAGEMENT_RESPONSE -> String.format("tmf %02x", pdu.u8(2));
      case Opcode.LOGOUT_RESPONSE -> String.format("logout %02x", pdu.u8(2));
      case Opcode.TEXT_RESPONSE -> "text";
      case Opcode.NOP_IN -> pdu.taskTag() == Pdu.NO_TAG ? "" : "nop";
      case Opcode.READY_TO_TRANSFER -> "r2t";
      case Opcode.ASYNC_MESSAGE -> String.format("async %02x", pdu.u8(36));
      default -> Opcode.name(pdu.opcode());
    };
  }

  @Override
  public void close() {
    connection.close();
  }
}
