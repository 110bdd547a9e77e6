// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoop;
import io.netty.util.collection.IntObjectHashMap;
import io.netty.util.collection.IntObjectMap;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.anabranch.scsi.Nexus;
import org.anabranch.scsi.Task;
import org.anabranch.scsi.TaskAttribute;
import org.anabranch.scsi.TaskManagementFunction;
import org.anabranch.scsi.TaskRouter;
import org.jspecify.annotations.Nullable;

/**
 * The SCSI commands of a session, from the PDU that brings one to the response (RFC 7143 4.2, 11.3,
 * 11.4).
 *
 * <pre>
 *   begin     the header is there: the task is prepared, so that its data has a place to go
 *   complete  immediate data is there too
 *     ...     memory, if its place in the window is not enough; unsolicited data; bursts asked for
 *   execute   all data is there
 *   ended     from the router, on any thread: hops to the event loop, many at a time
 *   finished  response, once the initiator has sent what it was asked for
 * </pre>
 *
 * Owned by the session's event loop but for {@link #ended}.
 */
final class Commands {
  /** Commands marked for immediate delivery in flight at once: they stand outside the window. */
  private static final int MOST_IMMEDIATE = 8;

  private final Connection connection;
  private final EventLoop loop;
  private final TaskRouter router;
  private final Nexus nexus;
  private final CommandWindow window;
  private final DataMemory memory;
  private final DataOut dataOut;
  private final Responses responses;
  private final IntObjectMap<IscsiTask> tasks = new IntObjectHashMap<>();

  /** Tasks that ended on other threads, last first; null when the loop knows of all. Any thread. */
  private final AtomicReference<@Nullable IscsiTask> endedElsewhere = new AtomicReference<>();

  private final Runnable collect = this::collect;

  /** The command whose PDU is being received, and why it is to be rejected if it is. */
  private @Nullable IscsiTask current;

  private int rejectReason;
  private int immediate;
  private int places;
  private long done;
  private boolean ending;
  private boolean closed;
  private @Nullable Runnable whenEmpty;

  Commands(
      Session session,
      TaskRouter router,
      Nexus nexus,
      CommandWindow window,
      Parameters parameters,
      DataMemory memory,
      Duration dataTimeout) {
    this.connection = session.connection();
    this.loop = connection.channel().eventLoop();
    this.router = router;
    this.nexus = nexus;
    this.window = window;
    this.memory = memory;
    this.responses = new Responses(session, window, parameters, memory);
    this.dataOut = new DataOut(this, responses, parameters, connection, dataTimeout);
  }

  Responses responses() {
    return responses;
  }

  int inFlight() {
    return tasks.size();
  }

  long done() {
    return done;
  }

  @Nullable IscsiTask get(int tag) {
    return tasks.get(tag);
  }

  List<IscsiTask> all() {
    return List.copyOf(tasks.values());
  }

  // --- from the PDU to the router -----------------------------------------------------------

  /** The header of a command that is due has arrived. */
  void begin(Pdu pdu) {
    current = null;
    rejectReason = 0;
    ByteBuf header = pdu.header();
    boolean reads = ScsiCommandHeader.reads(header);
    boolean writes = ScsiCommandHeader.writes(header);
    TaskAttribute attribute = ScsiCommandHeader.attribute(header);
    byte[] cdb = ScsiCommandHeader.cdb(header, pdu.additionalLength());
    if (attribute == null
        || cdb == null
        || (reads && writes)
        || (!writes && !pdu.isFinal())
        || pdu.taskTag() == Pdu.NO_TAG) {
      rejectReason = Rejects.INVALID_PDU_FIELD;
      return;
    }
    if (tasks.containsKey(pdu.taskTag())) {
      rejectReason = Rejects.TASK_IN_PROGRESS;
      return;
    }
    if (pdu.immediate() && immediate >= MOST_IMMEDIATE) {
      rejectReason = Rejects.TOO_MANY_IMMEDIATE_COMMANDS;
      return;
    }
    long expected = reads || writes ? ScsiCommandHeader.expectedDataTransferLength(header) : 0;
    IscsiTask task = new IscsiTask(this, pdu.taskTag(), pdu.lun(), reads, writes, expected);
    task.task(new Task(nexus, pdu.lun(), cdb, attribute, pdu.taskTag(), task));
    tasks.put(pdu.taskTag(), task);
    current = task;
    if (pdu.immediate()) {
      immediate++;
    } else {
      task.hasPlace = true;
      places++;
    }
    task.task().expectsDataOut(writes ? expected : 0);
    task.task().expectsDataIn(reads ? expected : 0);
    task.calling = true;
    router.prepare(task.task());
    task.calling = false;
    if (!task.ended) {
      measure(task);
    }
    dataOut.beginCommand(task, pdu);
  }

  /** Finds how much memory a prepared command takes, and reserves it if it can be had now. */
  private void measure(IscsiTask task) {
    Task command = task.task();
    task.outLength = task.writes ? (int) Math.min(task.expected, command.dataOutLength()) : 0;
    task.inLength = command.dataInLength();
    long place = task.hasPlace ? window.placeBytes() : 0;
    long extra = (long) task.outLength + task.inLength - place;
    if (extra <= 0) {
      return;
    }
    if (extra > memory.capacity()) {
      fail(task, TransportSense.INSUFFICIENT_RESOURCES);
    } else if (memory.tryReserve(extra)) {
      task.reserved = extra;
    } else {
      task.waiter = memory.await(extra, loop, () -> granted(task, extra));
    }
  }

  private void granted(IscsiTask task, long bytes) {
    if (task.waiter == null) {
      memory.release(bytes); // it was given up in between
      return;
    }
    task.waiter = null;
    task.reserved = bytes;
    connection.attempt(() -> advance(task));
    connection.flush();
  }

  /** The whole PDU of a command is there. */
  void complete(Pdu pdu, Rejects rejects) {
    IscsiTask task = current;
    current = null;
    if (task == null) {
      rejects.send(pdu, rejectReason);
      return;
    }
    if (!pdu.immediate()) {
      window.enter();
    }
    task.arriving = false;
    dataOut.completeCommand(task, pdu);
    advance(task);
  }

  /** The PDU of a command was damaged: as if it had not come. */
  void discard() {
    IscsiTask task = current;
    current = null;
    if (task != null) {
      task.arriving = false;
      task.silent = true;
      task.unsolicitedOpen = false;
      if (task.hasPlace) {
        task.hasPlace = false; // its number was not counted
        places--;
      } else {
        immediate--;
        task.hasPlace = false;
      }
      giveUp(task);
      if (task.ended) {
        finished(task);
      }
    }
  }

  void beginData(Pdu pdu) {
    dataOut.begin(pdu);
  }

  void completeData(Pdu pdu, boolean digestRight, Rejects rejects) {
    dataOut.complete(pdu, digestRight, rejects);
  }

  /** Does what can be done next for a command. */
  void advance(IscsiTask task) {
    if (task.ended) {
      finished(task);
      return;
    }
    if (task.arriving
        || task.executed
        || task.waiter != null
        || task.unsolicitedOpen
        || task.failure != null) {
      return;
    }
    if (task.requested < task.outLength) {
      dataOut.ask(task);
    } else if (task.burstCount() == 0) {
      execute(task);
    }
  }

  private void execute(IscsiTask task) {
    if (task.inLength > 0) {
      PduEncoder encoder = connection.encoder();
      task.inStart = encoder.headerRoom();
      task.in =
          connection
              .channel()
              .alloc()
              .directBuffer(task.inStart + task.inLength + PduEncoder.MOST_TRAILER);
    }
    ByteBuf out = task.out;
    ByteBuf in = task.in;
    task.task()
        .buffers(
            out == null ? null : out.nioBuffer(0, task.outLength),
            in == null ? null : in.nioBuffer(task.inStart, task.inLength));
    task.executed = true;
    task.calling = true;
    router.execute(task.task());
    task.calling = false;
    if (task.ended) {
      finished(task);
    }
  }

  /** Ends a command that was not executed with sense data of ours. */
  void fail(IscsiTask task, byte[] sense) {
    if (task.failure == null && !task.executed && !task.ended) {
      task.failure = sense;
      giveUp(task);
    }
  }

  private void giveUp(IscsiTask task) {
    stopWaiting(task);
    if (!task.executed && !task.ended) {
      router.abandon(task.task());
    }
  }

  private void stopWaiting(IscsiTask task) {
    DataMemory.Waiter waiter = task.waiter;
    task.waiter = null;
    if (waiter != null) {
      memory.cancel(waiter); // if it was granted already, granted() gives it back
    }
  }

  // --- from the router to the response ------------------------------------------------------

  /** The router is done with a task. Any thread. */
  void ended(IscsiTask task) {
    if (loop.inEventLoop()) {
      task.ended = true;
      if (!task.calling) {
        finished(task);
      }
      return;
    }
    IscsiTask head;
    do {
      head = endedElsewhere.get();
      task.nextEnded = head;
    } while (!endedElsewhere.compareAndSet(head, task));
    if (head == null) {
      loop.execute(collect);
    }
  }

  private void collect() {
    IscsiTask task = endedElsewhere.getAndSet(null);
    IscsiTask oldest = null;
    while (task != null) { // oldest first
      IscsiTask next = task.nextEnded;
      task.nextEnded = oldest;
      oldest = task;
      task = next;
    }
    while (oldest != null) {
      IscsiTask next = oldest.nextEnded;
      oldest.nextEnded = null;
      oldest.ended = true;
      finished(oldest);
      oldest = next;
    }
    connection.flush();
  }

  /** A task has ended: answers it, unless the initiator is still sending data for it. */
  private void finished(IscsiTask task) {
    if (task.arriving) {
      return; // the rest of its PDU leads here again
    }
    boolean answered = !closed && !task.silent && (task.failure != null || !task.task().aborted());
    if (answered && task.isTransferring()) {
      if (!task.isAwaited()) {
        stopWaiting(task);
        return; // the last PDU of what it was asked for leads here again
      }
      silence(task); // task management withdraws it
      answered = false;
    }
    if (tasks.remove(task.tag) == null) {
      return;
    }
    stopWaiting(task);
    dataOut.forget(task);
    if (task.hasPlace) {
      places--;
      if (closed) {
        window.leaveClosed();
      } else {
        window.leave();
      }
    } else if (!task.silent) {
      immediate--;
    }
    if (answered) {
      done++;
      connection.attempt(() -> responses.send(task)); // others may have been collected with it
    }
    responses.release(task);
    task.gone();
    if (whenEmpty != null && tasks.isEmpty()) {
      Runnable action = whenEmpty;
      whenEmpty = null;
      action.run();
    }
  }

  // --- the end ------------------------------------------------------------------------------

  /**
   * Aborts all commands; takes no new ones. {@code action} runs when none is left, unless the
   * session is closed before.
   */
  void end(Runnable action) {
    if (ending) {
      return;
    }
    silence();
    router.close(nexus);
    if (tasks.isEmpty()) {
      action.run();
    } else {
      whenEmpty = action;
    }
  }

  /** Nobody is to hear any more of the commands in flight; those not begun never will be. */
  private void silence() {
    ending = true;
    for (IscsiTask task : all()) {
      silence(task);
      giveUp(task);
    }
  }

  private void silence(IscsiTask task) {
    task.arriving = false;
    if (!task.silent && !task.hasPlace) {
      immediate--;
    }
    task.silent = true;
  }

  /**
   * The session is over, but its nexus lives on in another: aborts its commands. {@code gone} runs
   * when none is left.
   */
  void detach(Runnable gone) {
    closed = true;
    if (!ending) {
      silence();
      for (IscsiTask task : all()) {
        router.manage(nexus, TaskManagementFunction.ABORT_TASK, task.lun, task.tag, response -> {});
      }
    }
    leave(gone);
  }

  /** The session is over: what is still running ends unheard, and then {@code gone} runs. */
  void close(Runnable gone) {
    whenEmpty = null;
    closed = true;
    end(() -> {});
    leave(gone);
  }

  private void leave(Runnable gone) {
    dataOut.stop();
    window.close(places);
    if (tasks.isEmpty()) {
      gone.run();
    } else {
      whenEmpty = gone;
    }
  }
}
