// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.util.concurrent.CompletionStage;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.dm.DeviceMapper;

/** What an administrator does with snapshots, while everybody goes on using everything. */
final class SnapshotSteps {
  private final Volume volume;
  private final int unit;
  private int names;

  /**
   * @param unit some snapshots are shorter than the volume, a multiple of this; 0 if none is
   */
  SnapshotSteps(Volume volume, int unit) {
    this.volume = volume;
    this.unit = unit;
  }

  private DeviceMapper mapper() {
    return volume.machine().mapper();
  }

  private void await(CompletionStage<?> stage, String what) {
    volume.machine().await(stage, what);
  }

  private String newName() {
    return "snap" + ++names;
  }

  private void suspendLun() {
    await(mapper().suspend(Volume.LUN, volume.suspendMode(4)), "suspend lun");
  }

  private void resumeLun() {
    await(mapper().resume(Volume.LUN), "resume lun");
  }

  /** A snapshot of the volume as it is now, in a store of its own. */
  void create(Cow cow) {
    volume.drainPassdown();
    String name = newName();
    volume.say("create " + name + " on " + cow);
    if (volume.fresh.add(cow.disk()) && cow.persistent()) {
      volume.machine().wipe(cow.disk());
    }
    Client lun = volume.lun();
    suspendLun();
    if (volume.once(2)) {
      flushDisk();
    }
    lun.retract();
    Snap snap = new Snap(name, cow, volume.content().fork(length()));
    lun.redirect(volume.content());
    volume.create(name, snap.table());
    volume.snaps.add(snap);
    if (snap.length < volume.sectors()) {
      volume.reached.add(Reached.SHORT_SNAPSHOT);
    }
    volume.fresh.remove(cow.disk());
    resumeLun();
    volume.snaps.forEach(volume::use);
  }

  /** Seldom less than the volume's, as if that had grown since. */
  private int length() {
    int sectors = volume.sectors();
    return unit > 0 && volume.once(4)
        ? (1 + volume.random.nextInt(sectors / unit)) * unit
        : sectors;
  }

  /** As an administrator who wants the snapshot to hold what was written last. */
  private void flushDisk() {
    Client lun = volume.lun();
    Io probe = Io.flush((io, error) -> {});
    ModelDevice.Request request = lun.model().begin(probe, 0);
    SyncIo disk = new SyncIo(volume.machine().scheduler(), volume.machine().faults(Volume.DISK));
    IoError error = disk.tryFlush();
    if (error != null) {
      throw new Machine.RefusedException("flush: " + error, null);
    }
    volume.flushed(lun, request.begin);
  }

  void remove(Snap snap) {
    volume.say("remove " + snap.device);
    if (snap.client != null) {
      volume.drain(snap.client);
    }
    volume.snaps.remove(snap);
    await(mapper().remove(snap.device), "remove " + snap.device);
  }

  /** The same device gets a new table for its store, while requests wait. */
  void reload(Snap snap) {
    if (snap.cow.persistent() && volume.once(3)) {
      snap.type = snap.type.equals("P") ? "PO" : "P";
    }
    volume.say("hand over within " + snap.device + " as " + snap.type);
    await(mapper().load(snap.device, snap.table()), "load " + snap.device);
    await(mapper().resume(snap.device), "resume " + snap.device);
    volume.checkStatus();
  }

  /** The same, and the device becomes shorter. Only where snapshots are short. */
  void shorten(Snap snap) {
    Client user = snap.client;
    if (unit == 0 || snap.length <= unit || snap.merged != null || user == null) {
      reload(snap);
      return;
    }
    int sectors = (1 + volume.random.nextInt((snap.length - 1) / unit)) * unit;
    volume.say("shorten " + snap.device + " to " + sectors);
    volume.drain(user);
    snap.shorten(sectors);
    reload(snap);
    volume.reached.add(Reached.SHORTENED);
    volume.use(snap);
  }

  /** Another device gets the store; wrong orders are tried, and refused. */
  void handOver(Snap snap) {
    String from = snap.device;
    String to = newName();
    volume.say("hand over from " + from + " to " + to);
    await(mapper().create(to), "create " + to);
    await(mapper().load(to, snap.table()), "load " + to);
    if (volume.once(2)) {
      expect(
          "until source is suspended",
          volume.machine().awaitRefusal(mapper().resume(to), "resume before suspend"));
    }
    await(mapper().suspend(from, volume.suspendMode(2)), "suspend " + from);
    if (volume.once(2)) {
      expect(
          "until handover completes",
          volume.machine().awaitRefusal(mapper().resume(from), "resume of the source"));
    }
    Client user = snap.client;
    if (user != null) {
      user.leave();
      user.move(volume.machine().inUse(to, snap.owner));
    }
    await(mapper().resume(to), "resume " + to);
    snap.device = to;
    await(mapper().remove(from), "remove " + from);
    volume.checkStatus();
  }

  /**
   * The source of a handover is removed before it: the destination is invalid, and the store is
   * not. Nobody may write the volume while the snapshot is away.
   */
  void cancelHandOver(Snap snap) {
    volume.drainPassdown();
    String to = newName();
    volume.say("cancel the handover of " + snap.device + " to " + to);
    await(mapper().create(to), "create " + to);
    await(mapper().load(to, snap.table()), "load " + to);
    suspendLun();
    if (snap.client != null) {
      volume.drain(snap.client);
    }
    volume.checkInvalid(snap, volume.machine().status(snap.device));
    await(mapper().remove(snap.device), "remove " + snap.device);
    await(mapper().remove(to), "remove " + to);
    if (snap.invalid) {
      volume.snaps.remove(snap);
    } else {
      volume.create(snap.device, snap.table());
    }
    resumeLun();
    volume.checkStatus();
    volume.snaps.forEach(volume::use);
  }

  /** A device is suspended for a while. */
  void suspend(String device, long events) {
    volume.say("suspend " + device + " for " + events + " events");
    await(mapper().suspend(device, volume.suspendMode(2)), "suspend " + device);
    volume.machine().scheduler().run(events);
    await(mapper().resume(device), "resume " + device);
  }

  static void expect(String part, String reason) {
    if (!reason.contains(part)) {
      throw new AssertionError("expected \"" + part + "\" in \"" + reason + "\"");
    }
  }
}
