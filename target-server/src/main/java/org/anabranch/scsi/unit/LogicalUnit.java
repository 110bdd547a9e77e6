// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.IoError;
import org.anabranch.block.Scheduler;
import org.anabranch.block.count.Counts;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.api.Sense;
import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.api.Status;
import org.anabranch.scsi.api.TargetPort;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.data.AccessState;
import org.anabranch.scsi.data.Cdb;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.data.Designators;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A logical unit: a block device with the state that SCSI adds to it. What happens to a command:
 *
 * <pre>
 *   1. it enters the task set                              TASK SET FULL
 *   2. its turn comes, see {@link TaskPace}, then {@link TaskSet}
 *   3. a unit attention is owed to its nexus               CHECK CONDITION, that one
 *   4. there is no such command                            ILLEGAL REQUEST
 *   5. the port is in standby; another nexus has reserved the unit  NOT READY, RESERVATION CONFLICT
 *   6. its CDB has a bit that is not in the usage map      ILLEGAL REQUEST, pointing at it
 *   7. sanitize at work, no medium, write protected        NOT READY, DATA PROTECT
 *   8. the command itself
 * </pre>
 *
 * <p>Steps 3 to 7 are {@link Admission}. Thread-safe. No lock is held while an Io is submitted or a
 * task ends.
 */
public final class LogicalUnit {
  /** The most bytes that one command moves; block limits VPD page, maximum transfer length. */
  public static final int MAX_TRANSFER = 8 << 20;

  /** The most bytes of parameter data in either direction. */
  public static final int MAX_PARAMETERS = 256 << 10;

  private static final Logger log = LoggerFactory.getLogger(LogicalUnit.class);

  private final BlockDevice device;
  private final UnitProperties properties;
  private final int sectorShift;
  private final TaskCounts counts;
  private final TaskSet tasks;
  private final TaskPace pace;
  private final UnitAttentions attentions = new UnitAttentions();
  private final Medium medium;
  private final ModePages modes = new ModePages();
  private final RangeLocks ranges;
  private final CommandSet commands;
  private final ReservationCheck reservations;

  /** By class; reservations are one of them. */
  private final Map<Class<?>, UnitPart> parts;

  private final ScratchMemory scratch;
  private final Sanitizer sanitizer;
  private final Scheduler scheduler;
  private final UnitPaths paths = new UnitPaths();
  private volatile Consumer<LogicalUnit> retirement = unit -> {};

  private volatile int portGroup = Designators.TARGET_PORT_GROUP;

  /** Asked for each command; null: the medium can always be reached. */
  private volatile @Nullable Supplier<AccessState> accessState;

  /**
   * @param commands what the unit understands
   * @param parts what commands keep of the unit beside that; one of each class
   */
  public LogicalUnit(
      BlockDevice device,
      UnitProperties properties,
      Scheduler scheduler,
      CommandSet commands,
      ReservationCheck reservations,
      UnitPart... parts) {
    this.device = device;
    this.scheduler = scheduler;
    this.properties = properties;
    sectorShift = Integer.numberOfTrailingZeros(properties.blockSize()) - 9;
    counts = new TaskCounts(scheduler);
    tasks = new TaskSet(device.name(), scheduler, this::start, counts);
    pace = new TaskPace(this, scheduler, counts);
    medium = new Medium(properties.removable());
    ranges = new RangeLocks(scheduler);
    scratch = new ScratchMemory(scheduler);
    sanitizer = new Sanitizer(this, scheduler);
    this.commands = commands;
    this.reservations = reservations;
    Map<Class<?>, UnitPart> byClass = new HashMap<>();
    byClass.put(reservations.getClass(), reservations);
    for (UnitPart part : parts) {
      byClass.put(part.getClass(), part);
    }
    this.parts = Map.copyOf(byClass);
  }

  public UnitProperties properties() {
    return properties;
  }

  public BlockDevice device() {
    return device;
  }

  /** What the unit has counted since its first path was made. Any thread. */
  public Counts counts() {
    return counts.counts();
  }

  /** How many commands are in the task set now. Any thread. */
  public int queueDepth() {
    return tasks.size();
  }

  /** The capacity of the device has changed. Any thread. */
  public void capacityChanged() {
    attentions.addToAll(SenseCode.CAPACITY_DATA_HAS_CHANGED, null);
  }

  /**
   * The data on the device has changed without a write by an initiator: a rollback to a snapshot.
   * Establishes the unit attention MEDIUM MAY HAVE CHANGED (28/00) for all initiators, so that they
   * drop their caches. Any thread.
   */
  public void contentsChanged() {
    attentions.addToAll(SenseCode.MEDIUM_MAY_HAVE_CHANGED, null);
  }

  /**
   * Other servers have the medium at times. Called before there is a path.
   *
   * @param group the target port group of this server's ports; other servers have other ones, as
   *     hosts know a group by its number and the unit's name
   * @param state whether the medium can be reached through these ports; asked often, by any thread
   */
  public void shared(int group, Supplier<AccessState> state) {
    portGroup = group;
    accessState = state;
  }

  /** The target port group of the ports of this server (SPC-4 5.15.2.1). */
  public int portGroup() {
    return portGroup;
  }

  /** Whether the medium can be reached through the ports of this server now. */
  public AccessState accessState() {
    Supplier<AccessState> now = accessState;
    return now == null ? AccessState.ACTIVE_OPTIMIZED : now.get();
  }

  /** Whether other servers may have the medium at times. */
  public boolean mayStandBy() {
    return accessState != null;
  }

  /** {@link #accessState} has changed: establishes the unit attention for all. Any thread. */
  public void accessStateChanged() {
    attentions.addToAll(SenseCode.ASYMMETRIC_ACCESS_STATE_CHANGED, null);
  }

  /**
   * Makes a path to the unit.
   *
   * @throws IllegalStateException if its last path is gone
   */
  public UnitView view(PathAccess access) {
    UnitView view = tryView(access);
    if (view == null) {
      throw new IllegalStateException("unit " + properties.identity().serial() + " is retired");
    }
    return view;
  }

  /** The same, or null if the last path is gone. */
  @Nullable UnitView tryView(PathAccess access) {
    UnitView view = new UnitView(this, access);
    return paths.add(view) ? view : null;
  }

  /** Sets what to call when the last path is removed. Called before there is a path. */
  void whenRetired(Consumer<LogicalUnit> listener) {
    retirement = listener;
  }

  /**
   * Removes a path and aborts the tasks that came by it. With the last path all tasks are aborted,
   * and no more are accepted.
   *
   * @param ended runs when these tasks have ended
   */
  void close(UnitView view, Runnable ended) { // by the view, which is closed from here on
    if (paths.remove(view)) {
      tasks.close();
      retirement.accept(this);
      tasks.drain(task -> true, ended);
    } else {
      tasks.drain(task -> task.view == view, ended);
    }
  }

  /** The target ports through which the unit is reached, of all targets. */
  public List<TargetPort> ports() {
    return paths.ports();
  }

  /** Step 1. False if the path has been removed. */
  public boolean prepare(Task task, UnitView view) {
    byte[] cdb = task.cdb();
    Command command = commands.find(this, cdb);
    UnitTask entry = new UnitTask(task, tasks, command, view);
    if (command != null) {
      if (command.usesMedium(cdb)) {
        task.nexus().use();
      }
      task.needs(
          bounded(command.dataOutLength(this, cdb)), bounded(command.dataInLength(this, cdb)));
    }
    return switch (view.isClosed() ? TaskSet.Entry.CLOSED : tasks.enter(entry)) {
      case ENTERED -> {
        if (view.isClosed()) { // between the two
          tasks.abort(each -> each == entry, null, TaskSet.Abort.SILENTLY);
        }
        yield true;
      }
      case FULL -> {
        counts.full();
        task.end(Status.TASK_SET_FULL, Task.NO_SENSE, 0);
        yield true;
      }
      case CLOSED -> false;
    };
  }

  /** A CDB that specifies too much is rejected later; until then it transfers nothing. */
  private static int bounded(long length) {
    return length > MAX_TRANSFER ? 0 : (int) length;
  }

  private void start(UnitTask entry) {
    Task task = entry.task();
    try {
      if (!Admission.admits(this, entry)) {
        conflict(task);
        return;
      }
      Objects.requireNonNull(entry.command).run(this, task);
    } catch (CheckCondition answer) {
      check(task, answer.sense());
    } catch (RuntimeException e) {
      task.nexus().in(log.atError()).setCause(e).log("{} failed", entry);
      check(task, Sense.of(SenseCode.INTERNAL_TARGET_FAILURE));
    }
  }

  boolean isReadOnly() {
    return properties.readOnly() || device.limits().readOnly();
  }

  /** Read-only for all paths, or write protected by an initiator (control mode page, SWP). */
  public boolean isWriteProtected() {
    return isReadOnly() || modes.isSoftwareWriteProtected();
  }

  /** Whether UNMAP is supported and frees space. */
  public boolean isThin() {
    return properties.thin() && device.limits().discards();
  }

  /**
   * Whether GET LBA STATUS reports unallocated blocks (LBPME). Thin units do, and units that do not
   * support UNMAP but know their holes, such as snapshots.
   */
  public boolean reportsAllocation() {
    return isThin() || (properties.thin() && device.limits().holesReadZero());
  }

  /** Whether blocks that are not allocated read as zeros (LBPRZ). */
  public boolean holesReadZero() {
    return isThin() ? readsZerosAfterUnmap() : device.limits().holesReadZero();
  }

  public boolean readsZerosAfterUnmap() {
    return device.limits().discardZeroes();
  }

  /** Whether a write must be on stable storage when it ends: FUA, or no write cache. */
  public boolean isDurable(Task task) {
    return Cdb.fua(task.cdb()) || !modes.isWriteCacheEnabled();
  }

  /** Why the medium is not accessible now, as REQUEST SENSE reports it. */
  public Sense readiness() {
    if (accessState() == AccessState.STANDBY) {
      return Sense.of(SenseCode.PORT_IN_STANDBY);
    }
    Sense obstacle = sanitizer.obstacle();
    if (obstacle != null) {
      return obstacle;
    }
    try {
      medium.checkReady();
      return Sense.of(SenseCode.NO_ADDITIONAL_SENSE);
    } catch (CheckCondition notReady) {
      return notReady.sense();
    }
  }

  /** The nexus no longer sees a path. Aborts its tasks that came by it. */
  public void pathLost(Nexus nexus, UnitView view) {
    tasks.abort(task -> task.isOf(nexus) && task.view == view, nexus, TaskSet.Abort.SILENTLY);
  }

  /** The nexus is lost or no longer sees the unit. Aborts its tasks and frees what it holds. */
  public void nexusLost(Nexus nexus) {
    attentions.leave(nexus);
    medium.allow(nexus);
    parts.values().forEach(part -> part.nexusLost(nexus));
    tasks.abort(task -> task.isOf(nexus), nexus, TaskSet.Abort.SILENTLY);
    pace.nexusLost(nexus);
  }

  /**
   * Logical unit reset (SAM-5 6.3.3): aborts all tasks, restores the default mode parameters,
   * allows medium removal, and establishes {@code attention} for all nexuses.
   *
   * @param done runs when the tasks have ended or are disowned, see {@link TaskSet}
   */
  public void reset(Nexus by, SenseCode attention, Runnable done) {
    medium.allowAll();
    modes.reset();
    parts.values().forEach(UnitPart::reset);
    attentions.addToAll(attention, null);
    tasks.abort(task -> true, by, abortOfOthers(), done);
  }

  /** How a task ends that another nexus aborts (control mode page, TAS). */
  public TaskSet.Abort abortOfOthers() {
    return modes.reportsAbortedTasks() ? TaskSet.Abort.WITH_STATUS : TaskSet.Abort.SILENTLY;
  }

  public UnitAttentions attentions() {
    return attentions;
  }

  public TaskSet tasks() {
    return tasks;
  }

  /** Where commands wait for rate limits. */
  public TaskPace pace() {
    return pace;
  }

  public Medium medium() {
    return medium;
  }

  ReservationCheck reservations() {
    return reservations;
  }

  CommandSet commands() {
    return commands;
  }

  /**
   * What the commands of one family keep of the unit.
   *
   * @throws NullPointerException if the unit has no part of that class
   */
  public <T extends UnitPart> T part(Class<T> type) {
    return type.cast(Objects.requireNonNull(parts.get(type), type::getName));
  }

  public ScratchMemory scratch() {
    return scratch;
  }

  /** Runs {@code next} soon, with a fresh stack. */
  public void later(Runnable next) {
    scheduler.execute(next);
  }

  /** Whether a command of the nexus with this access may use the medium; for copies. */
  public boolean allows(Nexus nexus, Access access) {
    return accessState() == AccessState.ACTIVE_OPTIMIZED
        && medium.isLoaded()
        && sanitizer.obstacle() == null
        && !reservations.conflicts(nexus, access);
  }

  public Sanitizer sanitizer() {
    return sanitizer;
  }

  public RangeLocks ranges() {
    return ranges;
  }

  public ModePages modes() {
    return modes;
  }

  /** Bytes in a logical block. */
  public int blockSize() {
    return properties.blockSize();
  }

  /** How many logical blocks there are, now. */
  public long blocks() {
    return device.sectors() >> sectorShift;
  }

  /** From blocks to sectors. */
  public long sectors(long blocks) {
    return blocks << sectorShift;
  }

  /** From sectors to blocks, rounded down. */
  public long toBlocks(long sectors) {
    return sectors >> sectorShift;
  }

  /**
   * The transfer length of a CDB.
   *
   * @throws CheckCondition if that is more than a command may move (SBC-3 6.6.3)
   */
  public int transferBlocks(byte[] cdb) throws CheckCondition {
    long blocks = Cdb.blocks(cdb);
    if (blocks * blockSize() > MAX_TRANSFER) {
      throw CheckCondition.inCdb(Cdb.blocksAt(cdb), 7);
    }
    return (int) blocks;
  }

  /** Bytes of data for as many blocks as a CDB names; see {@link Command#dataIn}. */
  public long transferBytes(byte[] cdb) {
    return Cdb.blocks(cdb) * blockSize();
  }

  /** The same for rate limits: a CDB that names more than a command may move will be rejected. */
  public long movedBytes(byte[] cdb) {
    long bytes = transferBytes(cdb);
    return bytes > MAX_TRANSFER ? 0 : bytes;
  }

  /**
   * Whether no write of this task is admitted, be it for the unit or for the path by which it came.
   */
  public boolean isWriteProtectedFor(Task task) {
    return isWriteProtected() || UnitTask.of(task).isReadOnlyPath();
  }

  /** The block that an error names, if it is in the range; otherwise the first of the range. */
  public long badBlock(IoError error, long lba, long count) {
    long block = toBlocks(error.sector());
    return error.sector() >= 0 && block >= lba && block - lba < count ? block : lba;
  }

  /**
   * Checks that blocks exist.
   *
   * @throws CheckCondition LBA OUT OF RANGE with the first one that does not, unless it needs 64
   *     bits
   */
  public void checkRange(long lba, long count) throws CheckCondition {
    long blocks = blocks();
    if (lba < 0 || lba > blocks || count > blocks - lba) {
      throw new CheckCondition(
          Sense.of(
              SenseCode.LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE, lba < 0 ? -1 : Math.max(lba, blocks)));
    }
  }

  /**
   * Locks blocks for a task that writes and then calls {@code taker}, now or later. A task that is
   * aborted while it waits ends without the blocks. One that must give way to a sanitize ends with
   * the same sense data as commands during the sanitize.
   */
  public void acquire(
      Task task, long start, long end, RangeLocks.Mode mode, Consumer<RangeLocks.Hold> taker) {
    ranges.acquire(
        start,
        end,
        mode,
        hold -> {
          if (tasks.isAborting(task)) {
            hold.release();
            good(task);
          } else {
            taker.accept(hold);
          }
        },
        () -> check(task, sanitizer.refusal()));
  }

  public void good(Task task) {
    tasks.end(task, Status.GOOD, Task.NO_SENSE, 0);
  }

  public void good(Task task, int transferred) {
    tasks.end(task, Status.GOOD, Task.NO_SENSE, transferred);
  }

  public void conflict(Task task) {
    tasks.end(task, Status.RESERVATION_CONFLICT, Task.NO_SENSE, 0);
  }

  public void check(Task task, Sense sense) {
    if (sense.isDeviceError()) {
      counts.deviceError();
    }
    tasks.end(task, Status.CHECK_CONDITION, sense.encode(modes.senseFormat()), 0);
  }

  /** Ends a task with the result of its last Io, which wrote or flushed. */
  public void finishWrite(Task task, @Nullable IoError error, long lba) {
    if (error == null) {
      good(task);
    } else {
      check(task, Sense.ofWrite(error, lba));
    }
  }

  /** Ends a task: GOOD if there is no sense. */
  public void end(Task task, @Nullable Sense sense) {
    if (sense == null) {
      good(task);
    } else {
      check(task, sense);
    }
  }

  /** Returns parameter data, as much as the initiator has room for. */
  public void reply(Task task, byte[] data) {
    int length = Math.min(data.length, task.dataInLength());
    ByteBuffer in = task.dataIn();
    if (in != null) {
      in.put(in.position(), data, 0, length);
    }
    good(task, in == null ? 0 : length);
  }
}
