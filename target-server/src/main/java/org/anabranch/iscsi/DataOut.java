// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import io.netty.buffer.ByteBuf;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Data from the initiator: immediate, unsolicited, and asked for with R2T (RFC 7143 4.2.5.2, 11.7,
 * 11.8). Payload goes from the socket's buffer to the task's, or there at once ({@link
 * ReceiveBuffers}).
 *
 * <pre>
 *   what happens to                                         the command ends with
 *   data that was not agreed on (ImmediateData, InitialR2T) 0B/0C/0C unexpected unsolicited data
 *   more than the first burst, the burst, or expected       0B/0C/0D incorrect amount of data
 *   F before the burst, or the first burst, is complete     0B/0C/0D
 *   no F behind the last byte, within a second or before the next burst
 *                                                           0B/0C/0D
 *   DataSN or buffer offset out of sequence                 0B/47/05 protocol service CRC error
 *   a wrong data digest                                     0B/47/05, beside the Reject
 *   a task tag that is not in flight, or is executing       Reject (invalid PDU field)
 *   a transfer tag or LUN that is not the burst's           Reject (invalid PDU field)
 *   late data of a command that was aborted                 ignored
 *   nothing of the sequence that is due, for send-timeout   connection dropped
 * </pre>
 *
 * <p>A sequence ends with F and not with its last byte: an empty Data-Out may bring it (11.7.5), so
 * it is waited for, but not for ever. A command that failed is answered when the initiator has sent
 * the rest of what it may (7.8), which is thrown away. Owned by the session's event loop.
 */
final class DataOut {
  private static final int REMEMBERED = 64;

  /** How long a sequence that has all its bytes waits for its F. */
  private static final long FINAL_SECONDS = 1;

  private final Commands commands;
  private final Responses responses;
  private final Parameters parameters;
  private final Connection connection;
  private final MissingData missing;

  /** Tags of the last commands that ended while the initiator was still sending. */
  private final int[] late = new int[REMEMBERED];

  private int lateCount;

  /** Number of the sequence of data that was announced or asked for last. */
  private long lastSequence;

  /** The task whose Data-Out is being received. */
  private @Nullable IscsiTask current;

  private boolean ignored;

  DataOut(
      Commands commands,
      Responses responses,
      Parameters parameters,
      Connection connection,
      Duration timeout) {
    this.commands = commands;
    this.responses = responses;
    this.parameters = parameters;
    this.connection = connection;
    this.missing =
        new MissingData(
            connection.channel().eventLoop(),
            timeout,
            this::progress,
            () -> connection.drop("data that it was asked for does not come"));
  }

  private MissingData.@Nullable Progress progress() {
    IscsiTask oldest = null;
    for (IscsiTask task : commands.all()) {
      if (task.isTransferring() && (oldest == null || task.sequence() < oldest.sequence())) {
        oldest = task;
      }
    }
    if (oldest == null) {
      return null;
    }
    boolean comesIn = oldest == current || oldest.arriving;
    return new MissingData.Progress(
        oldest.sequence(),
        oldest.offset,
        comesIn ? connection.receivedAt() : 0,
        connection.pauses());
  }

  /** The session is over. */
  void stop() {
    missing.stop();
  }

  /** The header of a command: checks what it says of its data, and makes room for it. */
  void beginCommand(IscsiTask task, Pdu pdu) {
    task.unsolicitedOpen = task.writes && !pdu.isFinal();
    if (task.unsolicitedOpen) {
      task.unsolicitedSequence = ++lastSequence;
      missing.watch();
    }
    int length = pdu.dataLength();
    if ((length > 0 && (!task.writes || !parameters.immediateData))
        || (task.unsolicitedOpen && parameters.initialR2t)) {
      commands.fail(task, TransportSense.UNEXPECTED_UNSOLICITED_DATA);
      return;
    }
    if (length > parameters.firstBurstLength || length > task.expected) {
      commands.fail(task, TransportSense.INCORRECT_AMOUNT_OF_DATA);
      return;
    }
    if (length > 0) {
      sink(task, pdu, 0);
    }
  }

  void completeCommand(IscsiTask task, Pdu pdu) {
    task.offset = pdu.dataLength();
    task.requested = task.offset;
    if (task.unsolicitedOpen) {
      awaitFinal(task, null); // it may have brought all that may come
    }
  }

  /** Where a data segment goes; what lies beyond the command's own length is thrown away. */
  private void sink(IscsiTask task, Pdu pdu, long offset) {
    int length = (int) Math.min(pdu.dataLength(), task.outLength - offset);
    if (length > 0 && !task.ended && task.failure == null) {
      pdu.sink(buffer(task), (int) offset, length);
    }
  }

  /**
   * The task's buffer. While the task waits for memory it is as long as what may come unasked,
   * which its place in the window covers.
   */
  private ByteBuf buffer(IscsiTask task) {
    int wanted =
        task.waiter == null
            ? task.outLength
            : Math.min(task.outLength, parameters.firstBurstLength);
    ByteBuf old = task.out;
    if (old != null && old.capacity() >= wanted) {
      return old;
    }
    ByteBuf buffer = responses.allocate(wanted);
    if (old != null) {
      buffer.setBytes(0, old, 0, (int) Math.min(task.requested, old.capacity()));
      old.release();
    }
    task.out = buffer;
    return buffer;
  }

  /** Asks for as many bursts as the initiator may be asked for at once. */
  void ask(IscsiTask task) {
    buffer(task);
    while (task.requested < task.outLength && task.burstCount() < parameters.maxOutstandingR2t) {
      int length = (int) Math.min(task.outLength - task.requested, parameters.maxBurstLength);
      IscsiTask.R2t burst = new IscsiTask.R2t(++lastSequence, (int) task.requested, length);
      if (task.burstCount() == 0) {
        task.offset = burst.offset();
        task.dataSn = 0;
      }
      task.asked(burst);
      responses.r2t(task, burst, task.r2tSn++);
      task.requested += length;
    }
    missing.watch();
  }

  /** The header of a Data-Out PDU. */
  void begin(Pdu pdu) {
    IscsiTask task = commands.get(pdu.taskTag());
    current = null;
    ignored = false;
    if (task == null) {
      ignored = isLate(pdu.taskTag());
      return;
    }
    boolean unsolicited = pdu.transferTag() == Pdu.NO_TAG;
    if (task.awaitsFinal && task.isNext(pdu.transferTag())) {
      commands.fail(task, TransportSense.INCORRECT_AMOUNT_OF_DATA);
      endSequence(task);
    }
    IscsiTask.R2t burst = unsolicited ? null : task.burst();
    if (unsolicited) {
      if (!task.unsolicitedOpen) {
        commands.fail(task, TransportSense.UNEXPECTED_UNSOLICITED_DATA);
        ignored = task.failure != null; // the command answers for it
        return;
      }
    } else if (burst == null || burst.transferTag() != pdu.transferTag() || pdu.lun() != task.lun) {
      return;
    }
    current = task;
    if (task.failure != null || task.ended) {
      return;
    }
    ByteBuf header = pdu.header();
    long offset = DataOutHeader.bufferOffset(header);
    if (DataOutHeader.dataSn(header) != task.dataSn || offset != task.offset) {
      commands.fail(task, TransportSense.PROTOCOL_SERVICE_CRC_ERROR);
      return;
    }
    if (offset + pdu.dataLength() > end(task, burst)) {
      commands.fail(task, TransportSense.INCORRECT_AMOUNT_OF_DATA);
      return;
    }
    sink(task, pdu, offset);
  }

  /**
   * Where the open sequence ends at most; unsolicited data that was not agreed on is at its end.
   */
  private long end(IscsiTask task, IscsiTask.@Nullable R2t burst) {
    if (burst != null) {
      return (long) burst.offset() + burst.length();
    }
    return parameters.initialR2t ? 0 : Math.min(parameters.firstBurstLength, task.expected);
  }

  /** All of a Data-Out PDU. */
  void complete(Pdu pdu, boolean digestRight, Rejects rejects) {
    IscsiTask task = current;
    current = null;
    if (task == null) {
      if (!ignored && digestRight) {
        rejects.send(pdu, Rejects.INVALID_PDU_FIELD);
      }
      return;
    }
    if (!digestRight) {
      commands.fail(task, TransportSense.PROTOCOL_SERVICE_CRC_ERROR);
    }
    task.offset += pdu.dataLength();
    task.dataSn++;
    IscsiTask.R2t burst = task.unsolicitedOpen ? null : task.burst();
    if (burst == null) {
      task.requested = task.offset;
    }
    if (pdu.isFinal()) {
      // Unsolicited data may be less than the first burst only where that is all (11.4.7.2).
      if (task.offset < end(task, burst)
          && (burst != null || task.expected > parameters.firstBurstLength)) {
        commands.fail(task, TransportSense.INCORRECT_AMOUNT_OF_DATA);
      }
      endSequence(task);
    } else {
      awaitFinal(task, burst);
    }
    commands.advance(task);
  }

  /** A sequence that did not end with F: if no more data may come, it is given a time for it. */
  private void awaitFinal(IscsiTask task, IscsiTask.@Nullable R2t burst) {
    if (task.offset >= end(task, burst) && !task.awaitsFinal) {
      task.awaitsFinal = true;
      connection.later(FINAL_SECONDS, () -> missFinal(task, burst));
    }
  }

  /** The time for the F of a sequence is over. */
  private void missFinal(IscsiTask task, IscsiTask.@Nullable R2t burst) {
    boolean same = burst == null ? task.unsolicitedOpen : burst.equals(task.burst());
    if (task.awaitsFinal && same && commands.get(task.tag) == task) {
      commands.fail(task, TransportSense.INCORRECT_AMOUNT_OF_DATA);
      late[lateCount++ % REMEMBERED] = task.tag; // the F may yet come
      endSequence(task);
      commands.advance(task);
    }
  }

  private static void endSequence(IscsiTask task) {
    task.awaitsFinal = false;
    if (task.unsolicitedOpen) {
      task.unsolicitedOpen = false;
      return;
    }
    task.endBurst();
    IscsiTask.R2t next = task.burst();
    if (next != null) {
      task.offset = next.offset();
      task.dataSn = 0;
    }
  }

  /** The task is no more; what the initiator still sends for it is not an error. */
  void forget(IscsiTask task) {
    if (current == task) {
      current = null;
      ignored = true;
    }
    if (task.isTransferring()) {
      late[lateCount++ % REMEMBERED] = task.tag;
    }
  }

  private boolean isLate(int tag) {
    for (int i = 0; i < Math.min(lateCount, REMEMBERED); i++) {
      if (late[i] == tag) {
        return true;
      }
    }
    return false;
  }
}
