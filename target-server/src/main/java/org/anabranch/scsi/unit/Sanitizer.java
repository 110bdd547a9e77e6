// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.nio.ByteBuffer;
import java.util.Set;
import org.anabranch.block.Io;
import org.anabranch.block.IoCompletion;
import org.anabranch.block.IoError;
import org.anabranch.block.Scheduler;
import org.anabranch.scsi.api.Sense;
import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.data.CheckCondition;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A sanitize or format operation of one logical unit (SBC-3 4.11, 4.10): every block is written.
 *
 * <pre>
 *   state     commands                                     leaves by
 *   idle      all                                          SANITIZE
 *   working   INQUIRY, REPORT LUNS, REQUEST SENSE, ...;    end of the work, or its failure
 *             others NOT READY, with the progress
 *   failed    as above; others MEDIUM ERROR                SANITIZE; EXIT FAILURE MODE if AUSE, and
 *                                                          with AUSE = 0 no SANITIZE that has it
 * </pre>
 *
 * A format that failed is left by a FORMAT UNIT or SANITIZE that does not.
 *
 * <p>No initiator can stop it: it continues after an abort of its command, a reset, or the loss of
 * the session. It works in steps of some 1/512 of the unit or a piece of the disk, one after the
 * other, so that other units keep their share of it.
 *
 * <p>The state is not saved. After a restart of the server, or a reload that recreates the unit,
 * the unit is idle, and blocks that were not reached have their old data. An initiator that needs
 * certainty must wait for the end.
 */
public final class Sanitizer {
  private static final Logger log = LoggerFactory.getLogger(Sanitizer.class);

  /** The kind of operation, with the sense codes that other commands get meanwhile. */
  public enum Operation {
    SANITIZE(SenseCode.SANITIZE_IN_PROGRESS, SenseCode.SANITIZE_COMMAND_FAILED, Set.of(0x48)),
    FORMAT(SenseCode.FORMAT_IN_PROGRESS, SenseCode.MEDIUM_FORMAT_CORRUPTED, Set.of(0x04, 0x48));

    final SenseCode inProgress;
    final SenseCode failed;

    /** Operation codes that are allowed after a failure. */
    @SuppressWarnings("ImmutableEnumChecker") // Set.of is immutable
    private final Set<Integer> after;

    Operation(SenseCode inProgress, SenseCode failed, Set<Integer> after) {
      this.inProgress = inProgress;
      this.failed = failed;
      this.after = after;
    }

    boolean allowsAfterFailure(Command command) {
      return after.contains(command.opcode());
    }
  }

  /** Which commands end a failure (SBC-3 4.11.2): the AUSE bit of SANITIZE. */
  public enum Completion {
    /** Another SANITIZE that succeeds, itself restricted. */
    RESTRICTED,
    /** EXIT FAILURE MODE, too. */
    UNRESTRICTED
  }

  /** AUSE in byte 1 of SANITIZE. */
  private static final int AUSE = 5;

  private static final int STEPS = 512;

  /** The most bytes of one step that writes a pattern, and of one that only gives blocks back. */
  private static final int MAX_WRITTEN = 1 << 20;

  private static final int MAX_ERASED = 64 << 20;

  /**
   * An erase gives back multiples of this from the beginning on: what frees whole pieces only would
   * keep those of which it gets a part at a time. RBD does that with its objects, of 4 MiB if
   * nobody chose otherwise, and 32 MiB at most.
   */
  private static final int PIECE = 32 << 20;

  /**
   * What to do with every block.
   *
   * @param pattern repeated over each block; null for an erase
   * @param passes how often
   * @param invert whether every other pass inverts the pattern; the last one never does
   */
  public record Work(
      Operation operation, @Nullable ByteBuffer pattern, int passes, boolean invert) {
    public static Work overwrite(ByteBuffer pattern, int passes, boolean invert) {
      return new Work(Operation.SANITIZE, pattern, passes, invert);
    }

    /** Gives all blocks back where they then read as zeros, and writes zeros elsewhere. */
    public static Work erase(Operation operation) {
      return new Work(operation, null, 1, false);
    }
  }

  private enum State {
    IDLE,
    WORKING,
    FAILED
  }

  private final LogicalUnit unit;
  private final Scheduler scheduler;
  private final Object lock = new Object();

  /** Written under lock. */
  private volatile State state = State.IDLE;

  /** The operation at work or failed; written under lock, before the state. */
  private volatile Operation operation = Operation.SANITIZE;

  /** Blocks done in all passes, and to do; the owner of the running step writes them. */
  private volatile long done;

  private volatile long total;

  /** Whether EXIT FAILURE MODE may end a failure. */
  @GuardedBy("lock")
  private Completion completion = Completion.RESTRICTED;

  Sanitizer(LogicalUnit unit, Scheduler scheduler) {
    this.unit = unit;
    this.scheduler = scheduler;
  }

  /** Rejects a command that is not allowed now. SANITIZE is allowed after a failure. */
  void check(Command command) throws CheckCondition {
    Sense sense = obstacle();
    if (sense != null && (state == State.WORKING || !operation.allowsAfterFailure(command))) {
      throw new CheckCondition(sense);
    }
  }

  /** The sense data for a command that waited for blocks when the operation began. */
  Sense refusal() {
    Sense obstacle = obstacle();
    return obstacle != null ? obstacle : Sense.progress(operation.inProgress, 0);
  }

  /** Why commands are refused; null when they are not. */
  @Nullable Sense obstacle() {
    return switch (state) {
      case IDLE -> null;
      case WORKING ->
          Sense.progress(operation.inProgress, (int) (done * 65536.0 / Math.max(1, total)));
      case FAILED -> Sense.of(operation.failed);
    };
  }

  /** Ends a failure. False if EXIT FAILURE MODE is not allowed to. */
  public boolean exitFailureMode() {
    synchronized (lock) {
      if (state == State.FAILED
          && operation == Operation.SANITIZE
          && completion == Completion.UNRESTRICTED) {
        state = State.IDLE;
      }
      return state == State.IDLE;
    }
  }

  /**
   * Begins the operation when the writes in progress have ended. Writes that wait for blocks and
   * new ones are rejected from now on.
   *
   * @param task ends when the work does; null if nobody waits
   * @param mode how a failure may be ended
   * @throws CheckCondition if an operation is at work, or if an unrestricted one follows the
   *     failure of a restricted SANITIZE
   */
  public void begin(Work work, Completion mode, @Nullable Task task) throws CheckCondition {
    long blocks = unit.blocks();
    synchronized (lock) {
      if (state == State.WORKING) {
        throw new CheckCondition(operation.inProgress);
      }
      if (state == State.FAILED
          && operation == Operation.SANITIZE
          && completion == Completion.RESTRICTED
          && mode == Completion.UNRESTRICTED) {
        throw CheckCondition.inCdb(1, AUSE);
      }
      operation = work.operation;
      state = State.WORKING;
      completion = mode;
      done = 0;
      total = blocks * work.passes;
    }
    Run run = new Run(work, blocks, task);
    unit.ranges().seize(run::step);
  }

  /** One operation at work. Its steps follow each other, so its fields need no lock. */
  private final class Run implements IoCompletion {
    private final Work work;
    private final long blocks;
    private final int stepBlocks;
    private final @Nullable ByteBuffer buffer;
    private @Nullable Task task;
    private int pass;
    private long lba;
    private boolean flushing;

    Run(Work work, long blocks, @Nullable Task task) {
      this.work = work;
      this.blocks = blocks;
      this.task = task;
      long step = Math.max(1, Math.ceilDiv(blocks, STEPS));
      stepBlocks =
          work.pattern == null
              ? erased(step, discards() ? PIECE : MAX_WRITTEN, unit.blockSize())
              : (int) Math.min(step, MAX_WRITTEN / unit.blockSize());
      buffer =
          work.pattern == null ? null : ByteBuffer.allocateDirect(stepBlocks * unit.blockSize());
      fill();
    }

    private boolean discards() {
      return unit.isThin() && unit.readsZerosAfterUnmap();
    }

    /** The blocks of an erase's step: whole pieces. */
    private static int erased(long step, int piece, int blockSize) {
      long pieces = Math.ceilDiv(step * blockSize, piece);
      return (int) (Math.min(pieces * piece, MAX_ERASED) / blockSize);
    }

    /** Every block begins with the pattern anew. */
    private void fill() {
      ByteBuffer pattern = work.pattern;
      if (buffer == null || pattern == null) {
        return;
      }
      int flip = work.invert && (work.passes - 1 - pass) % 2 == 1 ? 0xff : 0;
      for (int at = 0; at < buffer.capacity(); at++) {
        int inPattern = at % unit.blockSize() % pattern.capacity();
        buffer.put(at, (byte) (pattern.get(inPattern) ^ flip));
      }
    }

    void step() {
      letGo();
      long count = Math.min(stepBlocks, blocks - lba);
      long sector = unit.sectors(lba);
      Io io;
      if (count == 0) {
        flushing = true;
        io = Io.flush(this);
      } else if (buffer != null) {
        io = Io.write(sector, buffer.slice(0, (int) count * unit.blockSize()), false, this);
      } else if (discards()) {
        io = Io.discard(sector, unit.sectors(count), this);
      } else {
        io = Io.writeZeroes(sector, unit.sectors(count), false, this);
      }
      lba += count;
      unit.device().submit(io);
    }

    /** An aborted command ends, the work does not. */
    private void letGo() {
      Task waiting = task;
      if (waiting != null && unit.tasks().isAborting(waiting)) {
        task = null;
        unit.good(waiting);
      }
    }

    @Override
    public void completed(Io io, @Nullable IoError error) {
      if (error != null) {
        log.error("{} of {} failed: {}", work.operation, unit.device().name(), error.message());
        end(State.FAILED, Sense.of(work.operation.failed));
        return;
      }
      done = pass * blocks + lba;
      if (flushing) {
        flushing = false;
        pass++;
        lba = 0;
        if (pass == work.passes) {
          end(State.IDLE, null);
          return;
        }
        fill();
      }
      scheduler.execute(this::step);
    }

    private void end(State endState, @Nullable Sense sense) {
      // Before the state lets the next one begin.
      unit.ranges().giveUp();
      synchronized (lock) {
        state = endState;
      }
      Task waiting = task;
      if (waiting != null) {
        unit.end(waiting, sense);
      }
    }
  }
}
