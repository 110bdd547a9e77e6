// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;
import org.anabranch.iscsi.wire.Pdu;
import org.anabranch.iscsi.wire.Residual;
import org.anabranch.iscsi.wire.ScsiCommandHeader;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.api.Status;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.api.TaskAttribute;
import org.jspecify.annotations.Nullable;

/**
 * A SCSI command in flight, from the header of its PDU to its response: its phase, what it claims
 * of the session and the server, and its data.
 *
 * <pre>
 *   phase         waits for                        a fault, an abort, an end by the router
 *   RECEIVING     the rest of its own PDU          noted; LEAVING when the PDU is complete
 *   WAITING       a rate limit of its unit, then   LEAVING
 *                 data memory (unsolicited data
 *                 may come in the meantime)
 *   TRANSFERRING  data-out, if there is any        LEAVING
 *   EXECUTING     the router                       a fault: none is possible any more
 *                                                  an abort: ENDED when the router has ended it
 *   LEAVING       the router to let go of it, and  nothing new
 *                 the rest of the data that the
 *                 initiator may still send
 *   DISOWNED      the router to let go of its      nothing new
 *                 buffers; it was aborted, and its
 *                 device hangs
 *   ENDED         nothing: it is answered, or      -
 *                 never will be
 * </pre>
 *
 * <p>A phase only goes down this list; {@link #become} holds that. A command is answered once, when
 * it enters ENDED or DISOWNED: with the status from the router, with sense data of a fault that
 * iSCSI found before the router got the command, or not at all (aborted, or its session is over).
 * One that is not answered does not wait for the rest of its data.
 *
 * <p>Owned by the session's event loop, but for {@link #nextEnded}.
 */
final class IscsiCommand implements Task.Listener {
  enum Phase {
    RECEIVING,
    WAITING,
    TRANSFERRING,
    EXECUTING,
    LEAVING,
    DISOWNED,
    ENDED
  }

  private final Commands commands;
  private final Task task;
  private final boolean reads;
  private final boolean writes;
  private final long expected;
  private final Claim claim;
  private final Transfer transfer = new Transfer();

  private Phase phase = Phase.RECEIVING;

  /** Bytes of memory that it needs beside what its place in the window has; may be negative. */
  private long extraMemory;

  /** A rate limit of its unit delays it. */
  private boolean delayed;

  /** The router has ended the task, and touches its buffers no more. */
  private boolean returned;

  /** Sense data of a fault that iSCSI found; the router then never executes the task. */
  private byte @Nullable [] fault;

  /** The status that goes with the fault. */
  private Status faultStatus = Status.CHECK_CONDITION;

  /** Its response is suppressed. */
  private boolean silenced;

  /** Data-in begins at {@link #dataInStart}: the header of the first PDU goes before it. */
  private @Nullable ByteBuf dataIn;

  private int dataInStart;

  /** Run when it has ended; null while nobody waits for that. */
  private @Nullable List<Runnable> watchers;

  /** Link in the stack of commands that ended on other threads, see {@link Commands#ended}. */
  @Nullable IscsiCommand nextEnded;

  /**
   * @param pdu its PDU, of which the header is there
   * @param cdb with what an additional header segment brought
   */
  IscsiCommand(
      Commands commands, Nexus nexus, Claim claim, Pdu pdu, byte[] cdb, TaskAttribute attribute) {
    this.commands = commands;
    this.claim = claim;
    this.reads = ScsiCommandHeader.reads(pdu.header());
    this.writes = ScsiCommandHeader.writes(pdu.header());
    this.expected =
        reads || writes ? ScsiCommandHeader.expectedDataTransferLength(pdu.header()) : 0;
    this.task = new Task(nexus, pdu.lun(), cdb, attribute, pdu.taskTag(), this);
    task.expectsDataOut(writes ? expected : 0);
    task.expectsDataIn(reads ? expected : -1);
  }

  // --- what it is ---------------------------------------------------------------------------

  int tag() {
    return task.tag();
  }

  long lun() {
    return task.lun();
  }

  boolean writes() {
    return writes;
  }

  /** Expected data transfer length, in bytes. */
  long expected() {
    return expected;
  }

  Task task() {
    return task;
  }

  Claim claim() {
    return claim;
  }

  Transfer transfer() {
    return transfer;
  }

  // --- its phase ----------------------------------------------------------------------------

  Phase phase() {
    return phase;
  }

  private void become(Phase next) {
    boolean follows =
        switch (next) {
          case RECEIVING -> false;
          case ENDED -> returned && phase != Phase.ENDED;
          case WAITING, TRANSFERRING, EXECUTING -> !isDecided() && phase.compareTo(next) < 0;
          case DISOWNED -> phase == Phase.EXECUTING && !returned;
          case LEAVING -> isDecided() && phase.compareTo(Phase.EXECUTING) < 0;
        };
    if (!follows) {
      throw new IllegalStateException("command " + tag() + ": from " + phase + " to " + next);
    }
    phase = next;
  }

  /** Its end is decided, whether it has been executed or not. */
  boolean isDecided() {
    return returned || fault != null || silenced;
  }

  /** Its whole PDU has come. */
  void received() {
    if (isDecided()) {
      leave();
    } else {
      become(isWaiting() ? Phase.WAITING : Phase.TRANSFERRING);
    }
  }

  void extraMemory(long bytes) {
    extraMemory = bytes;
  }

  long extraMemory() {
    return extraMemory;
  }

  /** A rate limit of its unit delays it, until {@link #delayEnds}. */
  void delay() {
    delayed = true;
  }

  void delayEnds() {
    delayed = false;
  }

  /** It waits for a rate limit or for memory. */
  boolean isWaiting() {
    return delayed || claim.isWaiting();
  }

  /** It has the memory that it waited for. */
  void granted() {
    if (phase == Phase.WAITING) { // if not, its PDU is still coming in
      become(Phase.TRANSFERRING);
    }
  }

  /**
   * All its data is there: the router gets it.
   *
   * @param buffer for data-in, which begins at {@code start} in it; null if there is none
   */
  void executes(@Nullable ByteBuf buffer, int start) {
    become(Phase.EXECUTING);
    dataIn = buffer;
    dataInStart = start;
    ByteBuf out = transfer.buffer();
    task.buffers(
        out == null ? null : out.nioBuffer(0, transfer.length()),
        buffer == null ? null : buffer.nioBuffer(start, task.dataInLength()));
  }

  /**
   * iSCSI found a fault. The caller has the router abandon the task.
   *
   * @return false if it is too late for that
   */
  boolean fail(byte[] sense) {
    if (!mayFail()) {
      return false;
    }
    fault = sense;
    leaveEarly();
    return true;
  }

  /**
   * There is no memory for its data. The caller has the router abandon the task.
   *
   * @return false if it is too late for that
   */
  boolean refuse(Status status) {
    if (!fail(Task.NO_SENSE)) {
      return false;
    }
    faultStatus = status;
    return true;
  }

  /** A fault of its data would be its answer. */
  boolean mayFail() {
    return fault == null && !returned && phase.compareTo(Phase.EXECUTING) < 0;
  }

  /** iSCSI found a fault in it. */
  boolean hasFailed() {
    return fault != null;
  }

  /** Suppresses its response. The caller has the router abandon the task if it has not started. */
  void silence() {
    silenced = true;
    if (phase.compareTo(Phase.EXECUTING) < 0) {
      leave(); // no more is taken even of its own PDU
    }
  }

  /** It will not be answered because of {@link #silence}. */
  boolean isSilenced() {
    return silenced;
  }

  /** The router has ended the task. */
  void returned() {
    returned = true;
    leaveEarly();
  }

  /**
   * The router has aborted the task and given it up. The session is done with it but for its
   * buffers.
   *
   * @return false if the task has ended just then
   */
  boolean disown() {
    if (returned) {
      return false;
    }
    become(Phase.DISOWNED);
    return true;
  }

  /** Remembered while its PDU is being received. Too late for a command that is executed. */
  private void leaveEarly() {
    if (phase == Phase.WAITING || phase == Phase.TRANSFERRING) {
      leave();
    }
  }

  private void leave() {
    if (phase != Phase.LEAVING) {
      become(Phase.LEAVING);
      claim.giveUp();
    }
  }

  /** The router has it, and does not execute it. */
  boolean isAbandonable() {
    return !returned && phase != Phase.EXECUTING && phase != Phase.DISOWNED;
  }

  /** It can end now: the router is done with it, and no data that its answer waits for is due. */
  boolean canEnd() {
    return returned
        && (phase == Phase.EXECUTING
            || phase == Phase.DISOWNED
            || (phase == Phase.LEAVING && (!transfer.isOpen() || !isAnswered())));
  }

  /** A response is sent at its end. */
  boolean isAnswered() {
    return !silenced && (fault != null || !task.aborted());
  }

  void ends() {
    become(Phase.ENDED);
  }

  // --- who waits for its end ----------------------------------------------------------------

  /** Runs {@code action} once nothing more will be sent for this command. */
  void whenEnded(Runnable action) {
    if (watchers == null) {
      watchers = new ArrayList<>(1);
    }
    watchers.add(action);
  }

  /** If its end is awaited while its response waits for data, the response is suppressed. */
  void withdrawIfAwaited() {
    if (watchers != null && transfer.isOpen()) {
      silenced = true;
    }
  }

  /** It has ended, and its response is queued: notifies those who wait for that. */
  void tellWatchers() {
    List<Runnable> told = watchers;
    watchers = null;
    if (told != null) {
      told.forEach(Runnable::run);
    }
  }

  // --- its answer ---------------------------------------------------------------------------

  Status status() {
    return fault != null ? faultStatus : task.status();
  }

  /** Sense data as it goes on the wire, without iSCSI's length field; empty if there is none. */
  byte[] sense() {
    return fault != null ? fault : task.sense();
  }

  private int produced() {
    return fault != null ? 0 : task.dataInTransferred();
  }

  /** Bytes of data-in to send. */
  int dataInLength() {
    return reads ? (int) Math.min(produced(), expected) : 0;
  }

  /** See {@link Residual}. */
  long residual() {
    if (writes) {
      return Residual.of(task.dataOutLength(), expected);
    }
    int produced = produced();
    return reads || produced > 0
        ? Residual.of(produced, expected)
        : Residual.of(Math.max(task.dataInLength(), task.dataOutLength()), expected);
  }

  /** Where data-in begins in {@link #takeDataIn}. */
  int dataInStart() {
    return dataInStart;
  }

  /** Its data-in, from now on the caller's to release. */
  ByteBuf takeDataIn() {
    ByteBuf data = dataIn;
    if (data == null) {
      throw new IllegalStateException("data-in without a buffer");
    }
    dataIn = null;
    return data;
  }

  /** Gives back its buffers and its memory. */
  void release() {
    transfer.release();
    if (dataIn != null) {
      dataIn.release();
      dataIn = null;
    }
    claim.release();
  }

  @Override
  public void ended(Task command) {
    commands.ended(this);
  }

  @Override
  public void paced(Task command) {
    commands.paced(this);
  }

  @Override
  public void disowned(Task command) {
    commands.disowned(this);
  }
}
