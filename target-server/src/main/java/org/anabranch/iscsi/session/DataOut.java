// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import io.netty.buffer.ByteBuf;
import java.time.Duration;
import java.util.Collection;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.anabranch.iscsi.login.Parameters;
import org.anabranch.iscsi.wire.Connection;
import org.anabranch.iscsi.wire.DataOutHeader;
import org.anabranch.iscsi.wire.Pdu;
import org.jspecify.annotations.Nullable;

/**
 * Data from the initiator: immediate, unsolicited, and asked for with R2T (RFC 7143 4.2.5.2, 11.7,
 * 11.8). Payload goes from the socket's buffer to the command's, or the socket is read into the
 * command's directly (ReceiveBuffers). Detects errors; {@link Commands} then fails the commands.
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
 *   next to nothing of what is due, see DataOutTimeout      connection dropped
 * </pre>
 *
 * <p>A sequence ends with the F bit and not with its last byte. An empty Data-Out may have the F
 * bit (11.7.5), so it is waited for, with a timeout. The response to a command that failed is sent
 * when the initiator has sent the remaining data (7.8), which is discarded. Owned by the session's
 * event loop.
 */
final class DataOut {
  /**
   * How long data may take that was asked for.
   *
   * @param timeout without progress
   * @param othersWait whether other sessions wait for the memory that it holds; then it is less
   */
  record Patience(Duration timeout, BooleanSupplier othersWait) {}

  private static final int REMEMBERED = 64;

  /** How long a sequence that has all its bytes waits for its F. */
  private static final long FINAL_SECONDS = 1;

  private final Collection<IscsiCommand> inFlight;
  private final Responses responses;
  private final Parameters parameters;
  private final Connection connection;
  private final Consumer<IscsiCommand> finalMissing;
  private final DataOutTimeout timeout;

  /** Tags of the last commands that ended while the initiator was still sending. */
  private final int[] late = new int[REMEMBERED];

  private int lateCount;

  /** Number of the last data sequence that was announced or solicited. */
  private long lastSequence;

  /** The command whose Data-Out is being received. */
  private @Nullable IscsiCommand current;

  /** The Data-Out that is being received has no command, which is not an error. */
  private boolean ignored;

  /**
   * @param inFlight the commands of the session
   * @param finalMissing receives commands whose data sequence did not end with F in time
   */
  DataOut(
      Collection<IscsiCommand> inFlight,
      Responses responses,
      Parameters parameters,
      Connection connection,
      Patience patience,
      Consumer<IscsiCommand> finalMissing) {
    this.inFlight = inFlight;
    this.responses = responses;
    this.parameters = parameters;
    this.connection = connection;
    this.finalMissing = finalMissing;
    this.timeout =
        new DataOutTimeout(
            connection.channel().eventLoop(),
            patience.timeout(),
            patience.othersWait(),
            this::progress,
            () -> connection.drop("data that it was asked for does not come"));
  }

  private DataOutTimeout.@Nullable Progress progress() {
    IscsiCommand oldest = null;
    for (IscsiCommand command : inFlight) {
      if (command.transfer().isOpen()
          && (oldest == null || command.transfer().sequence() < oldest.transfer().sequence())) {
        oldest = command;
      }
    }
    if (oldest == null) {
      return null;
    }
    boolean comesIn = oldest == current || oldest.phase() == IscsiCommand.Phase.RECEIVING;
    return new DataOutTimeout.Progress(
        oldest.transfer().sequence(),
        oldest.transfer().offset(),
        comesIn ? connection.received() : 0,
        connection.pauses());
  }

  /** The session is over. */
  void stop() {
    timeout.stop();
  }

  // --- the command's own PDU ----------------------------------------------------------------

  /**
   * The header of a command: checks what it says of its data, and makes room for it.
   *
   * @return the sense data that it fails with, or null
   */
  byte @Nullable [] beginCommand(IscsiCommand command, Pdu pdu) {
    boolean more = command.writes() && !pdu.isFinal();
    if (more) {
      command.transfer().openUnsolicited(++lastSequence, unsolicitedEnd(command));
      timeout.watch();
    }
    int length = pdu.dataLength();
    if ((length > 0 && (!command.writes() || !parameters.immediateData()))
        || (more && parameters.initialR2t())) {
      return TransportSense.UNEXPECTED_UNSOLICITED_DATA;
    }
    if (length > parameters.firstBurstLength() || length > command.expected()) {
      return TransportSense.INCORRECT_AMOUNT_OF_DATA;
    }
    if (length > 0) {
      sink(command, pdu, 0);
    }
    return null;
  }

  /** How much may come unsolicited: nothing, unless it was negotiated. */
  private long unsolicitedEnd(IscsiCommand command) {
    return parameters.initialR2t()
        ? 0
        : Math.min(parameters.firstBurstLength(), command.expected());
  }

  void completeCommand(IscsiCommand command, Pdu pdu) {
    Transfer transfer = command.transfer();
    transfer.immediate(pdu.dataLength());
    if (transfer.isUnsolicited()) {
      awaitFinal(command); // it may have brought all that may come
    }
  }

  /** The PDU of the command was damaged, so no data will come for it. */
  void discard(IscsiCommand command) {
    if (command.transfer().isUnsolicited()) {
      command.transfer().endSequence();
    }
  }

  /** Sets the buffer for a data segment. Bytes beyond the command's length are discarded. */
  private void sink(IscsiCommand command, Pdu pdu, long offset) {
    Transfer transfer = command.transfer();
    int length = (int) Math.min(pdu.dataLength(), transfer.length() - offset);
    if (length > 0 && !command.isDecided()) {
      pdu.sink(buffer(command), (int) offset, length);
    }
  }

  /**
   * The command's buffer. While the command waits, for a rate limit or for memory, it is as long as
   * what may come unasked, which its place in the window covers.
   */
  private ByteBuf buffer(IscsiCommand command) {
    Transfer transfer = command.transfer();
    int wanted =
        command.isWaiting()
            ? Math.min(transfer.length(), parameters.firstBurstLength())
            : transfer.length();
    return transfer.buffer(wanted, connection.channel().alloc());
  }

  // --- data that was asked for --------------------------------------------------------------

  /**
   * Sends R2Ts, up to MaxOutstandingR2T. The memory for the data is reserved, but the buffer is
   * allocated when the first data comes: a host that never sends any would make the server allocate
   * and free 1 MiB for each command.
   */
  void ask(IscsiCommand command) {
    Transfer transfer = command.transfer();
    while (transfer.wantsMore() && transfer.outstanding() < parameters.maxOutstandingR2t()) {
      Transfer.R2t burst = transfer.ask(++lastSequence, parameters.maxBurstLength());
      responses.r2t(command, burst, transfer.nextR2tSn());
    }
    timeout.watch();
  }

  /** The command whose Data-Out is being received; null if it is of none. */
  @Nullable IscsiCommand current() {
    return current;
  }

  /**
   * The header of a Data-Out PDU.
   *
   * @param command the one of its task tag
   * @return the sense data that the command fails with, or null
   */
  byte @Nullable [] begin(Pdu pdu, @Nullable IscsiCommand command) {
    current = null;
    ignored = false;
    if (command == null) {
      ignored = isLate(pdu.taskTag());
      return null;
    }
    Transfer transfer = command.transfer();
    byte[] fault = null;
    if (transfer.awaitsFinal() && transfer.isNext(pdu.transferTag())) {
      fault = TransportSense.INCORRECT_AMOUNT_OF_DATA;
      transfer.endSequence();
    }
    if (pdu.transferTag() == Pdu.NO_TAG) {
      if (!transfer.isUnsolicited()) {
        ignored = command.mayFail() || command.hasFailed(); // the command answers for it
        return TransportSense.UNEXPECTED_UNSOLICITED_DATA;
      }
    } else if (!isOfBurst(pdu, command)) {
      return fault;
    }
    current = command;
    if (fault != null || command.isDecided()) {
      return fault;
    }
    long offset = DataOutHeader.bufferOffset(pdu.header());
    fault = transfer.check(DataOutHeader.dataSn(pdu.header()), offset, pdu.dataLength());
    if (fault == null) {
      sink(command, pdu, offset);
    }
    return fault;
  }

  private static boolean isOfBurst(Pdu pdu, IscsiCommand command) {
    Transfer.R2t burst = command.transfer().burst();
    return burst != null && burst.transferTag() == pdu.transferTag() && pdu.lun() == command.lun();
  }

  /** All of a Data-Out PDU that belongs to no command. */
  void completeStray(Pdu pdu, boolean digestRight, Rejects rejects) {
    if (!ignored && digestRight) {
      rejects.send(pdu, Rejects.INVALID_PDU_FIELD);
    }
  }

  /**
   * All of a Data-Out PDU of the current command.
   *
   * @return the sense data that the command fails with, or null
   */
  byte @Nullable [] complete(Pdu pdu, boolean digestRight, IscsiCommand command) {
    current = null;
    Transfer transfer = command.transfer();
    byte[] fault = digestRight ? null : TransportSense.PROTOCOL_SERVICE_CRC_ERROR;
    transfer.received(pdu.dataLength());
    if (!pdu.isFinal()) {
      awaitFinal(command);
      return fault;
    }
    if (!transfer.isFull() && fault == null && !mayBeShort(command)) {
      fault = TransportSense.INCORRECT_AMOUNT_OF_DATA;
    }
    transfer.endSequence();
    return fault;
  }

  /** Unsolicited data may be less than the first burst only where that is all (11.4.7.2). */
  private boolean mayBeShort(IscsiCommand command) {
    return command.transfer().isUnsolicited()
        && command.expected() <= parameters.firstBurstLength();
  }

  /** A sequence without F so far: if it is complete otherwise, the F bit is awaited. */
  private void awaitFinal(IscsiCommand command) {
    Transfer transfer = command.transfer();
    if (transfer.isFull() && !transfer.awaitsFinal()) {
      transfer.awaitFinal();
      long sequence = transfer.sequence();
      connection.later(FINAL_SECONDS, () -> missFinal(command, sequence));
    }
  }

  /** The F bit of a sequence did not come in time. */
  private void missFinal(IscsiCommand command, long sequence) {
    Transfer transfer = command.transfer();
    if (command.phase() != IscsiCommand.Phase.ENDED
        && transfer.awaitsFinal()
        && transfer.sequence() == sequence) {
      remember(command); // the F bit may still come
      transfer.endSequence();
      finalMissing.accept(command);
    }
  }

  // --- what comes late ----------------------------------------------------------------------

  /** The command has ended. Data that the initiator still sends for it is not an error. */
  void forget(IscsiCommand command) {
    if (current == command) {
      current = null;
      ignored = true;
    }
    if (command.transfer().isOpen()) {
      remember(command);
    }
  }

  private void remember(IscsiCommand command) {
    late[lateCount++ % REMEMBERED] = command.tag();
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
