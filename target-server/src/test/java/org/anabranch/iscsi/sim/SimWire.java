// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.sim;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.anabranch.block.sim.SimScheduler;
import org.anabranch.initiator.Opcode;
import org.anabranch.initiator.Pdu;
import org.jspecify.annotations.Nullable;

/**
 * The initiator's end of one connection: bytes and PDUs, and the rules for the numbers in them (RFC
 * 7143 4.2.2). CmdSN starts at 1 with each session.
 */
final class SimWire {
  /** Who uses the connection. */
  interface User {
    /** A PDU has come whose numbers are right. */
    void received(SimWire wire, Pdu pdu);

    /** The connection is gone. */
    void closed(SimWire wire);
  }

  private final SimScheduler scheduler;
  private final String name;
  private final User user;
  private final IscsiSabotage sabotage;
  private final ArrayDeque<byte[]> unread = new ArrayDeque<>();
  private ByteBuffer input = ByteBuffer.allocate(1 << 19).limit(0);
  private @Nullable SimLink link;
  private boolean reading = true;
  private boolean closed;

  /** What was agreed on; what the target declares is among it. */
  final Map<String, String> keys = new LinkedHashMap<>();

  private int cmdSn = 1;
  private int expStatSn;
  private int expCmdSn = 1;
  private int maxCmdSn = 1;
  private boolean numbered;

  SimWire(SimScheduler scheduler, String name, User user, IscsiSabotage sabotage) {
    this.scheduler = scheduler;
    this.name = name;
    this.user = user;
    this.sabotage = sabotage;
  }

  /** Connects; a link belongs to one wire. */
  SimLink connect(SplittableRandom random) {
    SimLink connected = new SimLink(scheduler, random, this);
    link = connected;
    return connected;
  }

  private SimLink link() {
    if (link == null) {
      throw new IllegalStateException("not connected");
    }
    return link;
  }

  boolean isClosed() {
    return closed;
  }

  int number(String key) {
    return Integer.parseInt(keys.getOrDefault(key, "0"));
  }

  boolean yes(String key) {
    return "Yes".equals(keys.get(key));
  }

  // --- to the target -------------------------------------------------------------------------

  /** Whether a command may be sent now. */
  boolean windowIsOpen() {
    return maxCmdSn - cmdSn >= 0;
  }

  /** Commands that may be sent before one is answered. */
  int window() {
    return maxCmdSn - expCmdSn + 1;
  }

  int cmdSn() {
    return cmdSn;
  }

  /** Sends a PDU, with its numbers; a command takes one. */
  void send(Pdu pdu) {
    pdu.cmdSn(cmdSn).expStatSn(expStatSn);
    if (pdu.opcode() == Opcode.DATA_OUT) {
      pdu.i32(24, 0);
    } else if (!pdu.immediate()) {
      cmdSn++;
    }
    scheduler.trace(() -> name + " <- " + pdu);
    ByteBuffer data = pdu.data();
    int length = data.remaining();
    ByteBuffer bytes = ByteBuffer.allocate(Pdu.BHS_LENGTH + (length + 3) / 4 * 4);
    bytes.put(pdu.bhs()).put(data.duplicate());
    link().sendFromInitiator(bytes.array());
  }

  /** Closes our end: what was sent still comes. */
  void close() {
    closed = true;
    link().endFromInitiator();
  }

  /** Uses it no more; the target does not know. */
  void forget() {
    closed = true;
  }

  // --- from the target -----------------------------------------------------------------------

  void closed() {
    if (!closed) {
      closed = true;
      user.closed(this);
    }
  }

  /** Reads nothing for a while. */
  void pause(long nanos) {
    reading = false;
    scheduler.schedule(
        () -> {
          reading = true;
          while (!unread.isEmpty()) {
            take(unread.remove());
          }
        },
        nanos);
  }

  void arrived(byte[] bytes) {
    if (closed) {
      return;
    }
    if (reading) {
      take(bytes);
    } else {
      unread.add(bytes);
    }
  }

  private void take(byte[] bytes) {
    link().readByInitiator(bytes.length);
    input.compact();
    if (input.remaining() < bytes.length) {
      input = ByteBuffer.allocate(input.capacity() * 2).put(input.flip());
    }
    input.put(bytes).flip();
    while (!closed && input.remaining() >= Pdu.BHS_LENGTH) {
      int begin = input.position();
      int length = input.getInt(begin + 4) & 0xffffff;
      int whole = Pdu.BHS_LENGTH + (length + 3) / 4 * 4;
      if (input.get(begin + 4) != 0) {
        scheduler.fail(new AssertionError(name + ": a PDU with additional headers"));
        return;
      }
      if (input.remaining() < whole) {
        return;
      }
      Pdu pdu = new Pdu(0);
      input.get(begin, pdu.bhs());
      pdu.data(
          Arrays.copyOfRange(
              input.array(), begin + Pdu.BHS_LENGTH, begin + Pdu.BHS_LENGTH + length));
      input.position(begin + whole);
      sabotage.fromTarget(pdu).forEach(this::receive);
    }
  }

  private void receive(Pdu pdu) {
    if (closed) {
      return;
    }
    scheduler.trace(() -> name + " -> " + pdu);
    String wrong = numbers(pdu);
    if (wrong != null) {
      scheduler.fail(new AssertionError(name + ": " + pdu + ": " + wrong));
    } else {
      user.received(this, pdu);
    }
  }

  /** Takes the numbers of a PDU; what is wrong with them, or null. */
  private @Nullable String numbers(Pdu pdu) {
    if (!numbered) {
      numbered = true;
      expStatSn = pdu.statSn() + 1;
    } else if (pdu.opcode() != Opcode.DATA_IN || (pdu.flags() & 1) != 0) {
      if (pdu.statSn() != expStatSn) {
        return "StatSN " + pdu.statSn() + " when " + expStatSn + " is next";
      }
      boolean isStatus =
          pdu.opcode() != Opcode.READY_TO_TRANSFER
              && !(pdu.opcode() == Opcode.NOP_IN && pdu.taskTag() == Pdu.NO_TAG);
      expStatSn += isStatus ? 1 : 0;
    }
    if (pdu.opcode() == Opcode.LOGIN_RESPONSE && pdu.u16(36) != 0) {
      return null; // refused: the numbers mean nothing
    }
    if (pdu.expCmdSn() - expCmdSn < 0 || pdu.expCmdSn() - cmdSn > 0) {
      return "ExpCmdSN " + pdu.expCmdSn() + " after " + expCmdSn + ", sent are " + cmdSn;
    }
    if (pdu.maxCmdSn() - maxCmdSn < 0 && pdu.opcode() != Opcode.LOGIN_RESPONSE) {
      return "MaxCmdSN goes back to " + pdu.maxCmdSn() + " from " + maxCmdSn;
    }
    if (pdu.maxCmdSn() - pdu.expCmdSn() < -1) {
      return "MaxCmdSN " + pdu.maxCmdSn() + " is less than ExpCmdSN " + pdu.expCmdSn() + " - 1";
    }
    expCmdSn = pdu.expCmdSn();
    maxCmdSn = pdu.maxCmdSn();
    return null;
  }
}
