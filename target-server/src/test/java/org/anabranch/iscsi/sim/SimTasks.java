// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.sim;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.anabranch.block.Io;
import org.anabranch.block.sim.ModelDevice;
import org.anabranch.block.sim.SimScheduler;
import org.anabranch.block.sim.Stamp;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Opcode;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.Requests;
import org.anabranch.initiator.Sense;
import org.jspecify.annotations.Nullable;

/**
 * The commands of one initiator: sends them and their data, and holds what comes for them against
 * RFC 7143 and the model. Each is answered once at most, and once unless it was aborted or lost.
 */
final class SimTasks {
  private static final int GOOD = 0;
  private static final int CHECK_CONDITION = 2;
  private static final int RESERVATION_CONFLICT = 0x18;

  /** How long a command may take while the network does not lose anything. */
  private static final long PATIENCE = 60_000_000_000L;

  private static final long MAX_PAUSE = 30_000;
  private static final byte[] NO_DATA = {};

  private final String name;
  private final SimTarget target;
  private final SimScheduler scheduler;
  private final SplittableRandom random;
  private final Map<Integer, SimTask> tasks = new LinkedHashMap<>();
  private @Nullable SimWire wire;
  private int tags = 100;
  private boolean registered;

  /** For each LUN when a unit attention last came, by the model's clock. */
  private final long[] attention = new long[SimTarget.LUNS];

  /**
   * For each LUN which commands end with one: those sent after {@code [1]}, if none came since
   * {@code [0]}.
   */
  private final long[][] owed = new long[SimTarget.LUNS][2];

  SimTasks(String name, SimTarget target, SplittableRandom random) {
    this.name = name;
    this.target = target;
    this.scheduler = target.scheduler();
    this.random = random;
  }

  Collection<SimTask> all() {
    return tasks.values();
  }

  boolean isEmpty() {
    return tasks.isEmpty();
  }

  int count() {
    return tasks.size();
  }

  boolean has(SimTask task) {
    return tasks.get(task.tag) == task;
  }

  @Nullable SimTask any() {
    List<SimTask> all = List.copyOf(tasks.values());
    return all.isEmpty() ? null : all.get(random.nextInt(all.size()));
  }

  int newTag() {
    return tags++;
  }

  private SimWire wire() {
    if (wire == null) {
      throw new IllegalStateException("no session");
    }
    return wire;
  }

  /** Whether a command was sent before a request of task management. */
  boolean wasSentBefore(SimTask task, int managementTag) {
    return task.tag < managementTag;
  }

  // --- sessions ------------------------------------------------------------------------------

  void newSession(SimWire next) {
    wire = next;
    long now = target.clock().tick();
    for (int lun = 0; lun < SimTarget.LUNS; lun++) {
      owe(lun, now, now);
    }
  }

  /** What is sent from now on to a LUN is owed a unit attention, unless one came since. */
  void owe(int lun, long since, long now) {
    owed[lun][0] = since;
    owed[lun][1] = now;
  }

  /** The connection is gone: no more is sent for what is in flight. */
  void stop() {
    wire = null;
  }

  /** Nothing is left of the session. */
  void sessionOver() {
    List.copyOf(tasks.values()).forEach(this::aborted);
  }

  // --- sending -------------------------------------------------------------------------------

  void send() {
    int lun = random.nextInt(SimTarget.LUNS);
    int kind = random.nextInt(100);
    if (kind < 40) {
      send(SimTask.Kind.WRITE, lun);
    } else if (kind < 80) {
      send(SimTask.Kind.READ, lun);
    } else if (kind < 85) {
      send(SimTask.Kind.SYNC, lun);
    } else if (kind < 90) {
      reserve();
    } else {
      send(SimTask.Kind.READY, lun);
    }
  }

  private void reserve() {
    if (!registered) {
      send(SimTask.Kind.REGISTER, 0);
    } else if (target.reservations().isIdle()) {
      send(random.nextInt(3) == 0 ? SimTask.Kind.RESERVE : SimTask.Kind.RELEASE, 0);
    }
  }

  /** When a unit attention of a LUN last came, by the model's clock. */
  long attentions(int lun) {
    return attention[lun];
  }

  /** Asks whether a LUN is ready. */
  void ready(int lun) {
    send(SimTask.Kind.READY, lun);
  }

  /** Reads a range. */
  void read(int lun, int sector, int count) {
    begin(
        SimTask.Kind.READ,
        lun,
        Cdb.read(sector, count),
        ByteBuffer.allocate(count * 512),
        Io.read(sector, ByteBuffer.allocate(count * 512), (io, error) -> {}),
        0);
  }

  private void send(SimTask.Kind kind, int lun) {
    int count = 1 + random.nextInt(random.nextInt(4) == 0 ? 120 : 12);
    int sector = random.nextInt(SimTarget.SECTORS - count + 1);
    switch (kind) {
      case READ -> read(lun, sector, count);
      case WRITE -> {
        long stamp = target.stamp();
        ByteBuffer data = Stamp.fill(stamp, count);
        // Durable, for the model: there are no power cuts here, and it forgets sooner.
        Io io = Io.write(sector, data.duplicate(), true, (ended, error) -> {});
        byte[] cdb = Cdb.write(sector, count, random.nextInt(8) == 0);
        begin(kind, lun, cdb, data, io, stamp);
      }
      case READY -> begin(kind, lun, Cdb.testUnitReady(), ByteBuffer.wrap(NO_DATA), null, 0);
      case SYNC -> begin(kind, lun, Cdb.synchronizeCache(), ByteBuffer.wrap(NO_DATA), null, 0);
      case REGISTER -> begin(kind, lun, reserveOut(6, 0), parameters(), null, 0);
      case RESERVE -> begin(kind, lun, reserveOut(1, 1), parameters(), null, 0);
      case RELEASE -> begin(kind, lun, reserveOut(2, 1), parameters(), null, 0);
    }
  }

  private static byte[] reserveOut(int action, int type) {
    return new byte[] {0x5f, (byte) action, (byte) type, 0, 0, 0, 0, 0, 24, 0};
  }

  /** The key: both as RESERVATION KEY and SERVICE ACTION RESERVATION KEY. */
  private ByteBuffer parameters() {
    return ByteBuffer.allocate(24).putLong(name.hashCode()).putLong(name.hashCode()).rewind();
  }

  private void begin(
      SimTask.Kind kind, int lun, byte[] cdb, ByteBuffer data, @Nullable Io io, long stamp) {
    ModelDevice.Request request = io == null ? null : target.model(lun).begin(io, stamp);
    int sn = wire().cmdSn();
    SimTask task =
        new SimTask(
            kind,
            lun,
            newTag(),
            sn,
            cdb,
            data,
            target.clock().tick(),
            scheduler.nanoTime(),
            io,
            request);
    tasks.put(task.tag, task);
    task.mayVanish = target.isBeingReset(this, lun);
    if (lun == 0) {
      target.reservations().begin(task);
      if (kind == SimTask.Kind.RESERVE || kind == SimTask.Kind.RELEASE) {
        target.reservations().mayTakeEffect(task, name);
      }
    }
    int immediate = task.isOut() && wire().yes("ImmediateData") ? immediateLength(task) : 0;
    int unsolicited = immediate;
    if (task.isOut() && !wire().yes("InitialR2T") && random.nextBoolean()) {
      unsolicited = Math.min(wire().number("FirstBurstLength"), task.length());
    }
    boolean more = unsolicited > immediate;
    int flags = more ? 0 : Requests.FINAL;
    flags |= task.isRead() ? Requests.READ : task.isOut() ? Requests.WRITE : 0;
    Pdu pdu = Requests.command(SimInitiator.lun(lun), task.tag, task.cdb, flags, task.length());
    if (immediate > 0) {
      pdu.data(data.slice(0, immediate));
    }
    wire().send(pdu);
    task.offset = unsolicited;
    if (more) {
      task.openR2ts = 1; // as if it was asked for
      task.unsolicited = true;
      sendData(task, Pdu.NO_TAG, immediate, unsolicited, 0);
    }
    scheduler.schedule(() -> lookAt(task), PATIENCE);
  }

  private int immediateLength(SimTask task) {
    int most =
        Math.min(
            task.length(),
            Math.min(wire().number("FirstBurstLength"), wire().number("MaxRecvDataSegmentLength")));
    return random.nextInt(most + 1);
  }

  private void lookAt(SimTask task) {
    if (has(task) && wire != null) {
      target.owner(this).overdue(task);
      scheduler.schedule(() -> lookAt(task), PATIENCE);
    }
  }

  /** One Data-Out, and the rest of the sequence a little later. */
  private void sendData(SimTask task, int transferTag, int from, int to, int dataSn) {
    SimWire current = wire();
    int most = Math.min(to - from, current.number("MaxRecvDataSegmentLength"));
    int count = random.nextInt(3) == 0 ? 1 + random.nextInt(most) : most;
    boolean last = from + count == to;
    current.send(
        Requests.dataOut(SimInitiator.lun(task.lun), task.tag, transferTag, dataSn, from, last)
            .data(task.data.slice(from, count)));
    if (last) {
      task.openR2ts--;
      task.unsolicited &= transferTag != Pdu.NO_TAG;
      nextSequence(task);
      return;
    }
    scheduler.schedule(
        () -> {
          if (has(task) && wire == current && !current.isClosed()) {
            sendData(task, transferTag, from + count, to, dataSn + 1);
          }
        },
        random.nextLong(MAX_PAUSE));
  }

  /** The data for an R2T, in the order in which they came (DataSequenceInOrder). */
  private void nextSequence(SimTask task) {
    Pdu r2t = task.r2ts.poll();
    if (r2t != null) {
      int from = r2t.bufferOffset();
      sendData(task, r2t.transferTag(), from, from + r2t.i32(44), 0);
    }
  }

  // --- receiving -----------------------------------------------------------------------------

  /** Takes a PDU for a command; what is wrong with it, or null. */
  @Nullable String received(Pdu pdu) {
    SimTask task = tasks.get(pdu.taskTag());
    if (task == null) {
      return "nothing was asked for, or it is over";
    }
    return switch (pdu.opcode()) {
      case Opcode.DATA_IN -> dataIn(task, pdu);
      case Opcode.READY_TO_TRANSFER -> r2t(task, pdu);
      case Opcode.SCSI_RESPONSE -> response(task, pdu);
      default -> "not expected";
    };
  }

  private @Nullable String dataIn(SimTask task, Pdu pdu) {
    int length = pdu.dataSegmentLength();
    if (!task.isRead() || pdu.bufferOffset() != task.offset || pdu.dataSn() != task.dataSn) {
      return task + ": offset " + task.offset + " and DataSN " + task.dataSn + " are next";
    }
    if (task.offset + length > task.length()) {
      return task + " asked for " + task.length() + " bytes";
    }
    Io io = task.io;
    if (io != null) {
      io.data().put(io.data().position() + task.offset, pdu.data(), pdu.data().position(), length);
    }
    task.offset += length;
    task.dataSn++;
    return (pdu.flags() & 1) == 0 ? null : ended(task, pdu.u8(3), NO_DATA);
  }

  private @Nullable String r2t(SimTask task, Pdu pdu) {
    int length = pdu.i32(44);
    if (!task.isOut() || pdu.bufferOffset() != task.offset || pdu.dataSn() != task.r2tSn) {
      return task + ": offset " + task.offset + " and R2TSN " + task.r2tSn + " are next";
    }
    if (length <= 0
        || length > wire().number("MaxBurstLength")
        || task.offset + length > task.length()) {
      return task + " has " + task.length() + " bytes";
    }
    if (++task.openR2ts > wire().number("MaxOutstandingR2T") + (task.unsolicited ? 1 : 0)) {
      return task + " has " + task.openR2ts + " R2Ts at once";
    }
    task.r2tSn++;
    task.offset += length;
    task.r2ts.add(pdu);
    if (task.openR2ts == 1) {
      nextSequence(task);
    }
    return null;
  }

  private @Nullable String response(SimTask task, Pdu pdu) {
    byte[] data = pdu.dataBytes();
    byte[] sense = data.length < 2 ? NO_DATA : Arrays.copyOfRange(data, 2, data.length);
    return pdu.u8(2) == 0 ? ended(task, pdu.u8(3), sense) : "response " + pdu.u8(2);
  }

  private @Nullable String ended(SimTask task, int status, byte[] sense) {
    long now = target.clock().tick();
    over(task);
    if (status == GOOD) {
      return succeeded(task);
    }
    retract(task);
    if (status == RESERVATION_CONFLICT) {
      return conflicted(task);
    }
    Sense parsed = status == CHECK_CONDITION ? Sense.parse(sense) : null;
    if (parsed != null && parsed.key() == Sense.UNIT_ATTENTION) {
      target.reached().add(IscsiReached.ATTENTION);
      attention[task.lun] = now;
      return null;
    }
    return task + " ends with " + status + " " + parsed;
  }

  private void retract(SimTask task) {
    if (task.request != null) {
      target.model(task.lun).retract(task.request);
    }
  }

  private void over(SimTask task) {
    tasks.remove(task.tag);
    target.reservations().over(task);
  }

  private @Nullable String succeeded(SimTask task) {
    long[] due = owed[task.lun];
    if (task.began > due[1] && attention[task.lun] <= due[0]) {
      return task + " was owed a unit attention";
    }
    if (task.lun == 0 && task.needsAccess() && !Reservations.mayPass(task, name)) {
      return task + " passed the reservation of " + task.holders;
    }
    switch (task.kind) {
      case REGISTER -> registered = true;
      case RESERVE, RELEASE -> {
        return target.reservations().succeeded(task, name);
      }
      case READ, WRITE -> {
        if (task.offset != task.length()) {
          return task + " has ended after " + task.offset + " bytes";
        }
      }
      case READY, SYNC -> {}
    }
    Io io = task.io;
    ModelDevice.Request request = task.request;
    return io == null || request == null ? null : target.model(task.lun).end(request, io, true);
  }

  private @Nullable String conflicted(SimTask task) {
    target.reached().add(IscsiReached.CONFLICT);
    boolean change = task.kind == SimTask.Kind.RESERVE || task.kind == SimTask.Kind.RELEASE;
    if (task.lun == 0 && change) {
      return target.reservations().conflicted(name);
    }
    return task.lun == 0 && task.needsAccess() && Reservations.mayConflict(task, name)
        ? null
        : task + " met a reservation, and there was none";
  }

  /** A command is over without an answer: whatever it has not done, it never does. */
  void aborted(SimTask task) {
    over(task);
    Io io = task.io;
    ModelDevice.Request request = task.request;
    if (io != null && request != null) {
      target.model(task.lun).end(request, io, false);
    }
    if (task.kind == SimTask.Kind.REGISTER) {
      registered = false;
    }
  }

  /** What is in flight on a LUN, or on {@link SimTarget#ALL}, may be aborted without an answer. */
  void mayVanish(int lun) {
    for (SimTask task : tasks.values()) {
      task.mayVanish |= lun == SimTarget.ALL || task.lun == lun;
    }
  }
}
