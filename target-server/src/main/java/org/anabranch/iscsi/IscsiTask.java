// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import io.netty.buffer.ByteBuf;
import java.util.ArrayDeque;
import java.util.Iterator;
import org.anabranch.scsi.Task;
import org.jspecify.annotations.Nullable;

/**
 * What iSCSI knows of a command in flight. Owned by the session's event loop, but for {@link
 * #nextEnded}.
 */
final class IscsiTask implements Task.Listener {
  /**
   * A burst that the initiator was asked for.
   *
   * @param sequence as {@link #sequence()}
   */
  record R2t(long sequence, int offset, int length) {
    int transferTag() {
      return (int) sequence & 0x7fffffff;
    }
  }

  private final Commands commands;
  final int tag;
  final long lun;
  final boolean reads;
  final boolean writes;

  /** Expected data transfer length. */
  final long expected;

  /** Holds a place in the command window; an immediate command does not. */
  boolean hasPlace;

  /** Bytes of data memory reserved beside the place. */
  long reserved;

  /** Waits for data memory. */
  DataMemory.@Nullable Waiter waiter;

  /** The lengths that the command really uses. */
  int outLength;

  int inLength;
  @Nullable ByteBuf out;
  @Nullable ByteBuf in;

  /** Where data-in begins in {@link #in}. */
  int inStart;

  /** More unsolicited data will come. */
  boolean unsolicitedOpen;

  /** Number of the sequence of unsolicited data, if there is one. */
  long unsolicitedSequence;

  /** Bursts asked for and not complete, in the order they are to come. */
  private @Nullable ArrayDeque<R2t> bursts;

  /** Where the next byte of the open sequence belongs. */
  long offset;

  /** DataSN expected next in the open sequence. */
  int dataSn;

  /** The open sequence has all its bytes, but not its F. */
  boolean awaitsFinal;

  /** Up to where data-out came unasked or was asked for. */
  long requested;

  int r2tSn;

  /** Its own PDU is still coming in: until then it has no number, and is not answered. */
  boolean arriving = true;

  /** Inside a call of the router's: an end that comes now is seen after it. */
  boolean calling;

  boolean executed;
  boolean ended;

  /** Sense data of a fault that iSCSI found; the command then was not executed. */
  byte @Nullable [] failure;

  /** Nobody wants to hear of its end. */
  boolean silent;

  /** Link in {@link Commands}' stack of tasks that ended on other threads. */
  @Nullable IscsiTask nextEnded;

  private @Nullable Task task;
  private @Nullable Runnable afterwards;

  IscsiTask(Commands commands, int tag, long lun, boolean reads, boolean writes, long expected) {
    this.commands = commands;
    this.tag = tag;
    this.lun = lun;
    this.reads = reads;
    this.writes = writes;
    this.expected = expected;
  }

  void task(Task command) {
    task = command;
  }

  Task task() {
    if (task == null) {
      throw new IllegalStateException("no command yet");
    }
    return task;
  }

  void asked(R2t burst) {
    if (bursts == null) {
      bursts = new ArrayDeque<>(4);
    }
    bursts.add(burst);
  }

  /** The burst that comes now. */
  @Nullable R2t burst() {
    return bursts == null ? null : bursts.peek();
  }

  /** Whether the transfer tag is of the burst behind the one that comes now. */
  boolean isNext(int transferTag) {
    if (bursts == null || bursts.size() < 2) {
      return false;
    }
    Iterator<R2t> order = bursts.iterator();
    order.next();
    return order.next().transferTag() == transferTag;
  }

  /** Number of the open sequence among all of the session, in the order they were due. */
  long sequence() {
    R2t burst = burst();
    return unsolicitedOpen || burst == null ? unsolicitedSequence : burst.sequence();
  }

  int burstCount() {
    return bursts == null ? 0 : bursts.size();
  }

  void endBurst() {
    if (bursts != null) {
      bursts.remove();
    }
  }

  /** More Data-Out PDUs of it may be on their way. */
  boolean isTransferring() {
    return unsolicitedOpen || burstCount() > 0;
  }

  /**
   * Runs {@code action} once nothing more will be sent for this task. If its answer waits for the
   * initiator's data, it gets none.
   */
  void afterwards(Runnable action) {
    Runnable before = afterwards;
    afterwards =
        before == null
            ? action
            : () -> {
              before.run();
              action.run();
            };
  }

  /** Somebody waits until nothing more will be sent for it. */
  boolean isAwaited() {
    return afterwards != null;
  }

  void gone() {
    Runnable action = afterwards;
    afterwards = null;
    if (action != null) {
      action.run();
    }
  }

  @Override
  public void ended(Task command) {
    commands.ended(this);
  }
}
