// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.dm.DeviceMapper;

/** What an administrator does to roll a volume back, while it is in use. */
final class MergeSteps {
  private final Volume volume;
  private boolean handedOver;

  MergeSteps(Volume volume) {
    this.volume = volume;
  }

  private DeviceMapper mapper() {
    return volume.machine().mapper();
  }

  private void await(CompletionStage<?> stage, String what) {
    volume.machine().await(stage, what);
  }

  /** The volume becomes {@code snap}, which takes its device over or has been removed before. */
  void begin(Snap snap) {
    volume.drainPassdown();
    boolean handOver = volume.once(2);
    handedOver = handOver;
    volume.say("merge " + snap.device + (handOver ? " by handover" : ""));
    String table = volume.mergeTable(snap);
    Client user = Objects.requireNonNull(snap.client);
    Client lun = volume.lun();
    if (handOver) {
      await(mapper().load(Volume.LUN, table), "load the merge");
      if (volume.once(2)) {
        volume.machine().scheduler().run(volume.random.nextInt(100));
      }
      user.leave();
      user.stop();
      await(mapper().suspend(snap.device, volume.suspendMode(2)), "suspend " + snap.device);
    } else {
      volume.drain(user);
    }
    await(mapper().suspend(Volume.LUN, volume.suspendMode(2)), "suspend lun");
    volume.checkInvalid(snap, volume.machine().status(snap.device));
    if (snap.invalid) {
      back(snap);
      return;
    }
    if (!handOver) {
      await(mapper().remove(snap.device), "remove " + snap.device);
      await(mapper().load(Volume.LUN, table), "load the merge");
    }
    lun.retract();
    user.retract();
    volume.switchTo(snap);
    lun.redirect(volume.content());
    if (volume.snaps.stream().filter(other -> !other.invalid).count() >= 2) {
      volume.reached.add(Reached.MERGE_BESIDE_TWO);
    }
    await(mapper().resume(Volume.LUN), "resume lun as a merge");
    if (handOver) {
      await(mapper().remove(snap.device), "remove " + snap.device);
    }
    volume.checkStatus();
    volume.snaps.forEach(volume::use);
  }

  /**
   * The same, and the snapshot is there afterwards as it was, on the same device, with an empty
   * store. Its user does not notice.
   */
  void keep(Snap snap, Cow cow) {
    volume.drainPassdown();
    handedOver = true;
    volume.say("merge " + snap.device + " and keep it on " + cow);
    volume.fresh.remove(cow.disk());
    if (cow.persistent()) {
      volume.machine().wipe(cow.disk());
    }
    Client user = Objects.requireNonNull(snap.client);
    Client lun = volume.lun();
    await(mapper().load(Volume.LUN, volume.mergeTable(snap)), "load the merge");
    String empty = new Snap(snap.device, cow, snap.model).following(snap.cow).table();
    await(mapper().load(snap.device, empty), "load the empty store");
    if (volume.once(2)) {
      volume.machine().scheduler().run(volume.random.nextInt(100));
    }
    await(mapper().suspend(snap.device, volume.suspendMode(2)), "suspend " + snap.device);
    await(mapper().suspend(Volume.LUN, volume.suspendMode(2)), "suspend lun");
    volume.checkInvalid(snap, volume.machine().status(snap.device));
    if (snap.invalid) {
      await(mapper().clear(snap.device), "clear " + snap.device);
      user.leave();
      user.stop();
      back(snap);
      return;
    }
    lun.retract();
    user.retract();
    volume.switchTo(snap);
    Snap kept = new Snap(snap.device, cow, volume.content().fork(snap.length)).following(snap.cow);
    lun.redirect(volume.content());
    user.redirect(kept.model);
    kept.client = user;
    kept.owner = snap.owner;
    volume.snaps.add(kept);
    await(mapper().resume(Volume.LUN), "resume lun as a merge");
    volume.machine().scheduler().run(volume.random.nextInt(200));
    await(mapper().resume(kept.device), "resume " + kept.device);
    volume.checkStatus();
    volume.snaps.forEach(volume::use);
  }

  /** The snapshot went invalid before it could be merged. */
  private void back(Snap snap) {
    volume.say("no merge: " + snap.device + " is invalid");
    await(mapper().clear(Volume.LUN), "clear");
    volume.snaps.remove(snap);
    await(mapper().remove(snap.device), "remove " + snap.device);
    await(mapper().resume(Volume.LUN), "resume lun");
    volume.snaps.forEach(volume::use);
  }

  /**
   * The snapshot is removed after the volume got a table that waits for its store: nothing comes of
   * the merge, and the volume goes on as it was.
   */
  void cancel(Snap snap) {
    volume.say("cancel the merge of " + snap.device);
    await(mapper().load(Volume.LUN, volume.mergeTable(snap)), "load the merge");
    if (snap.client != null) {
      volume.drain(snap.client);
    }
    volume.snaps.remove(snap);
    await(mapper().remove(snap.device), "remove " + snap.device);
    await(mapper().resume(Volume.LUN), "resume lun as a merge of nothing");
    volume.reached.add(Reached.MERGE_CANCELLED);
    SnapshotSteps.expect("Invalid", volume.machine().status(Volume.LUN));
    volume.machine().scheduler().run(volume.random.nextInt(500));
    asOrigin();
    volume.checkStatus();
  }

  private void asOrigin() {
    await(mapper().load(Volume.LUN, volume.originTable()), "load the origin");
    await(mapper().resume(Volume.LUN), "resume lun as an origin");
  }

  /** A merge that failed is begun once more. */
  private void again() {
    volume.say("merge again");
    await(mapper().suspend(Volume.LUN, volume.suspendMode(2)), "suspend lun");
    await(mapper().resume(Volume.LUN), "resume lun");
    runToTheEnd();
    if (volume.mergeFailed()) {
      throw new Machine.RefusedException(volume.machine().status(Volume.LUN), null);
    }
    volume.reached.add(Reached.MERGED_AFTER_FAILURE);
  }

  private void runToTheEnd() {
    volume
        .machine()
        .scheduler()
        .runUntil(() -> volume.merged() || volume.mergeFailed(), "the end of the merge");
  }

  /** Pauses, throttles or changes the size of a batch, and takes that back. */
  void disturb() {
    List<String> message =
        switch (volume.random.nextInt(4)) {
          case 0 -> List.of("pause");
          case 1 -> List.of("throttle", "" + (100_000 + volume.random.nextInt(10_000_000)));
          case 2 -> List.of("batch", "" + (1 + volume.random.nextInt(40_000)));
          default -> List.of("progress");
        };
    say(message);
    volume.machine().scheduler().run(volume.random.nextInt(2000));
    if (message.equals(List.of("pause"))) {
      say(List.of("resume"));
    } else if (message.getFirst().equals("throttle")) {
      say(List.of("throttle", "0"));
    }
  }

  private void say(List<String> message) {
    volume.say("message lun " + String.join(" ", message));
    await(mapper().message(Volume.LUN, 0, message), "message");
  }

  /** Waits for the end of the merge, and makes the volume an origin again. */
  void finish() {
    volume.say("finish the merge");
    runToTheEnd();
    if (volume.mergeFailed()) {
      volume.checkStatus();
      again();
    }
    asOrigin();
    if (handedOver) {
      volume.reached.add(Reached.MERGED_BY_HANDOVER);
    }
    if (volume.snaps.stream().anyMatch(snap -> snap.merged != null)) {
      volume.reached.add(Reached.KEPT);
    }
    volume.mergeOver();
    volume.checkStatus();
  }
}
