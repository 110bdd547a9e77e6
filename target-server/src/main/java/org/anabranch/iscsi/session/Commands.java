// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoop;
import io.netty.util.collection.IntObjectHashMap;
import io.netty.util.collection.IntObjectMap;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.anabranch.block.count.Counters;
import org.anabranch.iscsi.login.Parameters;
import org.anabranch.iscsi.shares.DataMemory;
import org.anabranch.iscsi.wire.Connection;
import org.anabranch.iscsi.wire.Pdu;
import org.anabranch.iscsi.wire.PduEncoder;
import org.anabranch.iscsi.wire.ScsiCommandHeader;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.api.Status;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.api.TaskAttribute;
import org.anabranch.scsi.api.TaskManagementFunction;
import org.anabranch.scsi.api.TaskRouter;
import org.jspecify.annotations.Nullable;

/**
 * The SCSI commands of a session (RFC 7143 4.2, 11.3, 11.4): takes each from one phase of its life
 * to the next, see {@link IscsiCommand}. Whatever happens to a command, {@link #advance} then does
 * what can be done next for it.
 *
 * <pre>
 *   begin     the header is there: the task is prepared, so that its data has a place to go
 *   complete  immediate data is there too
 *   paced     from the router, on any thread: no rate limit delays the command any longer
 *   disowned  from the router, on any thread: the device hangs, and the session goes on without
 *   ended     from the router, on any thread: hops to the event loop, many at a time
 * </pre>
 *
 * Owned by the session's event loop but for {@link #paced}, {@link #ended} and {@link #disowned}.
 */
final class Commands {
  private final Connection connection;
  private final Counters<SessionCounter> counters;
  private final EventLoop loop;
  private final TaskRouter router;
  private final Nexus nexus;
  private final CommandWindow window;
  private final DataMemory memory;
  private final DataMemory.Account account;
  private final Responses responses;
  private final int firstBurst;
  private final IntObjectMap<IscsiCommand> commands = new IntObjectHashMap<>();
  private final DataOut dataOut;

  /** Those that ended on other threads, last first; null when the loop knows of all. Any thread. */
  private final AtomicReference<@Nullable IscsiCommand> endedElsewhere = new AtomicReference<>();

  private final Runnable collect = this::collect;

  /** The command whose PDU is being received, and why it is to be rejected if it is. */
  private @Nullable IscsiCommand current;

  private int rejectReason;

  /** A timer looks whether the session is idle. */
  private boolean idleWatched;

  /** No command is begun any more. */
  private boolean ending;

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
    this.counters = session.counters();
    this.loop = connection.channel().eventLoop();
    this.router = router;
    this.nexus = nexus;
    this.window = window;
    this.memory = memory;
    this.account = memory.account();
    this.firstBurst = parameters.firstBurstLength();
    this.responses = new Responses(session, window, parameters, account);
    this.dataOut =
        new DataOut(
            commands.values(),
            responses,
            parameters,
            connection,
            new DataOut.Patience(dataTimeout, memory::isContended),
            this::finalMissing);
  }

  Responses responses() {
    return responses;
  }

  int inFlight() {
    return commands.size();
  }

  @Nullable IscsiCommand get(int tag) {
    return commands.get(tag);
  }

  List<IscsiCommand> all() {
    return List.copyOf(commands.values());
  }

  // --- from the PDU to the router -----------------------------------------------------------

  /** The header of a command that is due has arrived. */
  void begin(Pdu pdu) {
    current = null;
    TaskAttribute attribute = ScsiCommandHeader.attribute(pdu.header());
    byte[] cdb = ScsiCommandHeader.cdb(pdu.header(), pdu.additionalLength());
    if (attribute == null || cdb == null || !isInOrder(pdu)) {
      rejectReason = Rejects.INVALID_PDU_FIELD;
    } else if (commands.containsKey(pdu.taskTag())) {
      rejectReason = Rejects.TASK_IN_PROGRESS;
    } else if (pdu.immediate() && !window.takesImmediate()) {
      rejectReason = Rejects.TOO_MANY_IMMEDIATE_COMMANDS;
    } else {
      Claim claim = new Claim(window, account);
      IscsiCommand command = new IscsiCommand(this, nexus, claim, pdu, cdb, attribute);
      commands.put(pdu.taskTag(), command);
      current = command;
      router.prepare(command.task());
      if (!command.isDecided()) {
        measure(command, pdu);
      }
      failIf(command, dataOut.beginCommand(command, pdu));
    }
  }

  /** Bidirectional commands are not supported, and only a write has unsolicited data. */
  private static boolean isInOrder(Pdu pdu) {
    boolean reads = ScsiCommandHeader.reads(pdu.header());
    boolean writes = ScsiCommandHeader.writes(pdu.header());
    return !(reads && writes) && (writes || pdu.isFinal()) && pdu.taskTag() != Pdu.NO_TAG;
  }

  /**
   * Finds how much memory a prepared command takes. What may come unasked it gets now, of its place
   * in the window or of the memory for commands, or it is refused. The rest is reserved if it can
   * be had now, and if no rate limit delays the command: while it waits for that it takes no more
   * from others.
   */
  private void measure(IscsiCommand command, Pdu pdu) {
    Task task = command.task();
    int out = command.writes() ? (int) Math.min(command.expected(), task.dataOutLength()) : 0;
    command.transfer().length(out);
    long needed = (long) out + task.dataInLength();
    if (needed > 0 && !pdu.immediate() && command.claim().cover()) {
      needed -= window.placeBytes();
    } else {
      boolean unasked = pdu.dataLength() > 0 || !pdu.isFinal();
      int first = unasked ? Math.min(out, firstBurst) : 0;
      if (first > 0 && !command.claim().tryReserve(first)) {
        counters.increment(SessionCounter.REFUSED_FOR_MEMORY);
        refuse(command);
        return;
      }
      needed -= first;
    }
    if (needed > memory.capacity()) {
      fail(command, TransportSense.INSUFFICIENT_RESOURCES);
      return;
    }
    command.extraMemory(needed);
    if (router.pace(task)) {
      reserve(command);
    } else {
      command.delay();
    }
  }

  /** There is no memory for what comes with a command: it may be sent again (SAM-5 5.3.1). */
  private void refuse(IscsiCommand command) {
    boolean another =
        commands.values().stream().anyMatch(it -> it != command && it.lun() == command.lun());
    if (command.refuse(another ? Status.TASK_SET_FULL : Status.BUSY)) {
      abandon(command);
    }
  }

  /** A session that sends no more commands holds no memory for them, a second later. */
  private void releaseWhenIdle() {
    if (!idleWatched && window.holdsMore()) {
      idleWatched = true;
      int before = window.expCmdSn();
      connection.later(
          1,
          () -> {
            idleWatched = false;
            if (window.expCmdSn() == before) {
              window.idle();
            } else {
              releaseWhenIdle();
            }
          });
    }
  }

  private void reserve(IscsiCommand command) {
    long extra = command.extraMemory();
    if (extra > 0) {
      command.claim().reserve(extra, loop, () -> granted(command));
    }
  }

  /** The rate limits of its unit let a command go on, or it was aborted. Any thread. */
  void paced(IscsiCommand command) {
    loop.execute(() -> {
      command.delayEnds();
      if (!command.isDecided()) {
        reserve(command);
      }
      if (!command.isWaiting()) {
        granted(command);
      }
    });
  }

  private void granted(IscsiCommand command) {
    command.granted();
    connection.attempt(() -> advance(command));
    connection.flush();
  }

  /** The whole PDU of a command is there. */
  void complete(Pdu pdu, Rejects rejects) {
    IscsiCommand command = current;
    current = null;
    if (command == null) {
      rejects.send(pdu, rejectReason);
      return;
    }
    if (pdu.immediate()) {
      command.claim().enterImmediate();
    } else {
      command.claim().enter();
    }
    dataOut.completeCommand(command, pdu);
    command.received();
    advance(command);
  }

  /** The PDU of a command was damaged, and is ignored. Its CmdSN is not used up. */
  void discard() {
    IscsiCommand command = current;
    current = null;
    if (command != null) {
      dataOut.discard(command);
      drop(command);
      advance(command);
    }
  }

  /** The header of a Data-Out PDU. */
  void beginData(Pdu pdu) {
    IscsiCommand command = commands.get(pdu.taskTag());
    byte[] fault = dataOut.begin(pdu, command);
    if (command != null) {
      failIf(command, fault);
    }
  }

  /**
   * All of a Data-Out PDU.
   *
   * @return whether it was expected
   */
  boolean completeData(Pdu pdu, boolean digestRight, Rejects rejects) {
    IscsiCommand command = dataOut.current();
    if (command == null) {
      dataOut.completeStray(pdu, digestRight, rejects);
      return false;
    }
    failIf(command, dataOut.complete(pdu, digestRight, command));
    advance(command);
    return true;
  }

  /** A data sequence is complete but for its F bit, which did not come in time. */
  private void finalMissing(IscsiCommand command) {
    fail(command, TransportSense.INCORRECT_AMOUNT_OF_DATA);
    advance(command);
  }

  /** Takes the next step for a command, if one is possible. */
  void advance(IscsiCommand command) {
    switch (command.phase()) {
      case RECEIVING, WAITING, ENDED -> {
        // Whatever it waits for leads here again.
      }
      case TRANSFERRING -> {
        if (command.transfer().wantsMore()) {
          dataOut.ask(command);
        } else if (!command.transfer().isOpen()) {
          execute(command);
        }
      }
      case EXECUTING, LEAVING, DISOWNED -> {
        command.withdrawIfAwaited();
        if (command.canEnd()) {
          end(command);
        }
      }
    }
  }

  private void execute(IscsiCommand command) {
    int length = command.task().dataInLength();
    int start = connection.encoder().headerRoom();
    ByteBuf in = length == 0 ? null : responses.allocate(start + length + PduEncoder.MAX_TRAILER);
    command.executes(in, start);
    router.execute(command.task());
  }

  private void failIf(IscsiCommand command, byte @Nullable [] fault) {
    if (fault != null) {
      fail(command, fault);
    }
  }

  /** Ends a command that was not executed with sense data of ours. */
  private void fail(IscsiCommand command, byte[] sense) {
    if (command.fail(sense)) {
      abandon(command);
    }
  }

  /** Suppresses the response of a command. If it has not started, it is dropped. */
  private void drop(IscsiCommand command) {
    command.silence();
    abandon(command);
  }

  private void abandon(IscsiCommand command) {
    if (command.isAbandonable()) {
      router.abandon(command.task());
    }
  }

  // --- from the router to the response ------------------------------------------------------

  /** The router is done with a command. Any thread. */
  void ended(IscsiCommand command) {
    if (loop.inEventLoop()) {
      command.returned();
      advance(command);
      return;
    }
    IscsiCommand head;
    do {
      head = endedElsewhere.get();
      command.nextEnded = head;
    } while (!endedElsewhere.compareAndSet(head, command));
    if (head == null) {
      loop.execute(collect);
    }
  }

  private void collect() {
    IscsiCommand command = endedElsewhere.getAndSet(null);
    IscsiCommand oldest = null;
    while (command != null) { // oldest first
      IscsiCommand next = command.nextEnded;
      command.nextEnded = oldest;
      oldest = command;
      command = next;
    }
    while (oldest != null) {
      IscsiCommand next = oldest.nextEnded;
      oldest.nextEnded = null;
      oldest.returned();
      advance(oldest);
      oldest = next;
    }
    connection.flush();
  }

  private void end(IscsiCommand command) {
    boolean wasDisowned = command.phase() == IscsiCommand.Phase.DISOWNED;
    command.ends();
    if (wasDisowned) {
      command.release();
    } else {
      answer(command);
      command.release();
      tellEnd(command);
    }
  }

  /**
   * The router has aborted a command and given it up: it is answered if it is to be, and its tag
   * and its place are free. Its buffers, and the memory that was reserved for them beside the
   * place, stay until it has ended. Any thread.
   */
  void disowned(IscsiCommand command) {
    loop.execute(() -> {
      if (command.disown()) {
        answer(command);
        tellEnd(command);
        connection.flush();
      }
    });
  }

  /** Takes a command out of the session, and answers it if it is to be answered. */
  private void answer(IscsiCommand command) {
    commands.remove(command.tag());
    dataOut.forget(command);
    command.claim().leave();
    releaseWhenIdle();
    if (command.isAnswered()) {
      counters.increment(SessionCounter.COMMANDS);
      connection.attempt(() -> responses.send(command)); // others may have been collected with it
    }
  }

  /** Nothing more will be sent for a command. */
  private void tellEnd(IscsiCommand command) {
    command.tellWatchers();
    if (whenEmpty != null && commands.isEmpty()) {
      Runnable action = whenEmpty;
      whenEmpty = null;
      action.run();
    }
  }

  /**
   * Runs {@code then} when nothing more will be sent for any of these commands. Commands whose
   * response waits for data of the initiator get none.
   */
  void whenEnded(List<IscsiCommand> these, Runnable then) {
    int[] left = {1};
    Runnable one =
        () -> {
          if (--left[0] == 0) {
            then.run();
          }
        };
    for (IscsiCommand command : these) {
      if (command.phase().compareTo(IscsiCommand.Phase.DISOWNED) < 0) {
        left[0]++;
        command.whenEnded(one);
        advance(command);
      }
    }
    one.run();
  }

  // --- the end ------------------------------------------------------------------------------

  /**
   * Aborts all commands; takes no new ones. {@code action} runs when none is left, unless the
   * session is closed before.
   */
  void abortAll(Runnable action) {
    if (ending) {
      return;
    }
    dropAll();
    router.close(nexus);
    whenEmpty(action);
  }

  private void dropAll() {
    ending = true;
    current = null;
    for (IscsiCommand command : all()) {
      drop(command);
      advance(command);
    }
  }

  /**
   * The session is over, but its nexus lives on in another: aborts its commands. {@code gone} runs
   * when none is left.
   */
  void detach(Runnable gone) {
    if (!ending) {
      dropAll();
      for (IscsiCommand command : all()) {
        router.manage(
            nexus, TaskManagementFunction.ABORT_TASK, command.lun(), command.tag(), response -> {});
      }
    }
    leave(gone);
  }

  /** The session is over: suppresses all responses. {@code gone} runs when no command is left. */
  void close(Runnable gone) {
    if (!ending) {
      dropAll();
      router.close(nexus);
    }
    leave(gone);
  }

  private void leave(Runnable gone) {
    dataOut.stop();
    window.close();
    whenEmpty(gone);
  }

  private void whenEmpty(Runnable action) {
    if (commands.isEmpty()) {
      whenEmpty = null;
      action.run();
    } else {
      whenEmpty = action;
    }
  }
}
