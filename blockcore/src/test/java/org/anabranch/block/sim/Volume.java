// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.cache.WriteCacheCounter;
import org.anabranch.block.dm.MappedDevice;
import org.anabranch.block.dm.SuspendMode;
import org.jspecify.annotations.Nullable;

/**
 * A volume with its snapshots, as an administrator keeps it: what there is, which outlives a power
 * cut, and the devices and users of this boot.
 *
 * <p>The volume's device is {@code lun}, on disk {@code vol}; a snapshot's device has a name of its
 * own. While a snapshot is being merged it is no snapshot any more, and {@code lun} is it.
 */
final class Volume implements Client.Owner {
  static final String LUN = "lun";
  static final String DISK = "vol";

  final List<Snap> snaps = new ArrayList<>();

  /** COW disks that were wiped and whose snapshot was never finished: they need no other wipe. */
  final Set<String> fresh = new HashSet<>();

  final SplittableRandom random;
  private final int rowBoundary;
  private final int depth;
  private final Overlaps overlaps;
  private final ModelDevice.Clock clock = new ModelDevice.Clock();
  private ModelDevice content;
  private @Nullable Snap merging;
  private long stamps;

  /** What this volume's life has come to. */
  final Set<Reached> reached = EnumSet.noneOf(Reached.class);

  // Of this boot.
  private Machine machine;
  private @Nullable Client lun;
  private boolean replaying;

  /**
   * @param rowBoundary sector that the second row of its table begins at; 0 for one row
   * @param depth requests that each user keeps in flight
   */
  Volume(
      Machine machine,
      int sectors,
      int rowBoundary,
      int depth,
      boolean overlap,
      SplittableRandom random) {
    this.machine = machine;
    this.rowBoundary = rowBoundary;
    this.depth = depth;
    this.overlaps = new Overlaps(overlap);
    this.random = random;
    this.content = new ModelDevice(clock, sectors);
  }

  /**
   * The same volume on another machine, to try another future of it after a power cut. Nothing is
   * up there.
   */
  Volume on(Machine next) {
    Volume other = new Volume(next, sectors(), rowBoundary, depth, true, random.split());
    Snap from = merging;
    other.content = content.copy();
    other.merging = from == null ? null : from.with(other.content);
    snaps.forEach(snap -> other.snaps.add(snap.with(snap.model.copy())));
    other.stamps = stamps;
    return other;
  }

  Machine machine() {
    return machine;
  }

  int sectors() {
    return content.sectors();
  }

  ModelDevice content() {
    return content;
  }

  @Nullable Snap merging() {
    return merging;
  }

  Client lun() {
    if (lun == null) {
      throw new IllegalStateException("not up");
    }
    return lun;
  }

  void say(String what) {
    machine.scheduler().trace(() -> "== " + what);
  }

  /** Whether a decision goes the way that comes once in {@code n} times. */
  boolean once(int n) {
    return random.nextInt(n) == 0;
  }

  /** How a device is suspended: one time in {@code n} without a flush. */
  SuspendMode suspendMode(int n) {
    return once(n) ? SuspendMode.NOFLUSH : SuspendMode.FLUSH;
  }

  /** Brings everything up on this machine. The snapshots come first: they must see every write. */
  void boot(Machine next) {
    machine = next;
    lun = null;
    replaying = false;
    for (SimDisk disk : machine.disks()) {
      machine.faults(disk.name()).onLoss(() -> lose(disk.name()));
    }
    snaps.removeIf(snap -> !snap.cow.persistent());
    for (Snap snap : snaps) {
      snap.client = null;
      create(snap.device, snap.table());
    }
    create(LUN, lunTable());
    int left = replay();
    Client user =
        new Client(
            LUN,
            machine.inUse(LUN, LUN),
            content,
            machine.scheduler(),
            random,
            this::stamp,
            overlaps,
            this);
    lun = user;
    if (left > 0) {
      reached.add(Reached.REPLAYED);
    }
    checkStatus();
    snaps.forEach(snap -> snap.doubtful = false);
    startUsers();
  }

  /** Replays what a process has left in the ring, before there are users; how many writes. */
  private int replay() {
    SimRing ring = machine.ring();
    if (ring == null) {
      return 0;
    }
    // Snapshots come first: the room in a store that their acknowledged writes had is theirs again
    // only if no write to the volume takes it before.
    Map<String, String> served = new LinkedHashMap<>();
    for (Snap snap : snaps) {
      if (!snap.invalid && !machine.status(snap.device).contains("Invalid")) {
        served.put(snap.owner, snap.device);
      }
    }
    served.put(LUN, LUN);
    Collection<String> owners = ring.ring().owners();
    for (String owner : owners) {
      if (!served.containsKey(owner)) {
        ring.ring().forget(owner); // a snapshot that is no more
      }
    }
    int left = 0;
    for (Map.Entry<String, String> each : served.entrySet()) {
      if (owners.contains(each.getKey())) {
        left += ring.ring().leftovers(each.getKey());
        if (once(4)) {
          machine.scheduler().cutPowerAfter(random.nextInt(40));
        }
        replaying = true;
        machine.inUse(each.getValue(), each.getKey());
        replaying = false;
      }
    }
    return left;
  }

  /** Whether all was brought up on this machine. */
  boolean isUpOn(Machine computer) {
    return machine == computer && lun != null;
  }

  void noteCut(Machine computer) {
    if (replaying) {
      reached.add(Reached.CUT_IN_REPLAY);
    }
    if (computer.counted(WriteCacheCounter.ACKNOWLEDGED) > 0) {
      reached.add(Reached.CACHED);
    }
    if (computer.counted(WriteCacheCounter.FULL) > 0) {
      reached.add(Reached.RING_FULL);
    }
    if (!isUpOn(computer)) {
      reached.add(Reached.CUT_IN_BOOT);
    } else if (merging != null && !merged()) {
      reached.add(Reached.CUT_IN_MERGE);
      if (snaps.stream().anyMatch(snap -> snap.merged != null)) {
        reached.add(Reached.CUT_IN_KEEPING_MERGE);
      }
    }
  }

  void noteFaults(Machine computer) {
    for (SimDisk disk : computer.disks()) {
      FaultDevice device = computer.faults(disk.name());
      if (device.failures() > 0) {
        reached.add(Reached.FAULT);
      }
      if (device.limits().readOnly()) {
        reached.add(Reached.READ_ONLY);
      }
      if (device.failedFlushes() > 0 && !disk.name().equals(DISK)) {
        reached.add(Reached.COW_FLUSH_FAILED);
      }
      if (device.extended()) {
        reached.add(Reached.EXTENDED);
      }
    }
  }

  /**
   * A disk will never make durable what it has not yet. One that latches needs no excuse: no flush
   * may succeed on it after that, so what a flush that did succeed has promised stands.
   */
  private void lose(String disk) {
    if (machine.faults(disk).latches()) {
      return;
    }
    Snap from = merging;
    if (disk.equals(DISK) || (from != null && disk.equals(from.cow.disk()))) {
      content.lose(false);
    }
    for (Snap snap : snaps) {
      Cow merged = snap.merged;
      if (disk.equals(DISK) || (merged != null && disk.equals(merged.disk()))) {
        snap.model.lose(true);
      } else if (disk.equals(snap.cow.disk())) {
        snap.model.lose(false);
      }
    }
  }

  /** Whether a disk has failed a request since the power came. */
  private boolean failing(String disk) {
    return machine.faults(disk).failures() > 0;
  }

  /** Whether one of the disks has that the volume, or the snapshot, stands on. */
  private boolean failing(@Nullable Snap snap) {
    return failing(DISK)
        || (snap != null
            && (failing(snap.cow.disk())
                || (snap.wasMerged != null && failing(snap.wasMerged.disk()))));
  }

  /** The table of {@link #LUN} as it is now. */
  private String lunTable() {
    Snap from = merging;
    return from == null ? originTable() : mergeTable(from);
  }

  /** The volume as an origin, perhaps in two rows. */
  String originTable() {
    return rowBoundary == 0
        ? origin(0, sectors())
        : origin(0, rowBoundary) + "\n" + origin(rowBoundary, sectors());
  }

  /** The volume while a snapshot is merged; what is behind the end of a short one is the origin. */
  String mergeTable(Snap snap) {
    int end = snap.length;
    String row = "0 " + end + " snapshot-merge " + snap.arguments();
    return end == sectors() ? row : row + "\n" + origin(end, sectors());
  }

  private static String origin(int begin, int end) {
    return begin + " " + (end - begin) + " snapshot-origin " + DISK;
  }

  /** The process dies, and with it all users; the power stays on. */
  void processDeath() {
    reached.add(Reached.PROCESS_DIED);
    overlaps.clear();
    content.processDeath();
    snaps.forEach(snap -> snap.model.processDeath());
  }

  /** The power is cut: who was up is gone. */
  void powerCut() {
    snaps.forEach(snap -> snap.doubtful |= failing(snap));
    overlaps.clear();
    content.powerCut();
    snaps.forEach(snap -> snap.model.powerCut());
  }

  MappedDevice create(String device, String table) {
    return machine.await(machine.mapper().create(device, table), "create " + device + ": " + table);
  }

  private long stamp() {
    return ++stamps;
  }

  /** Gives a valid snapshot a user. */
  void use(Snap snap) {
    if (!snap.invalid) {
      Client user = snap.client;
      BlockDevice device = machine.inUse(snap.device, snap.owner);
      if (user == null) {
        user =
            new Client(
                snap.device,
                device,
                snap.model,
                machine.scheduler(),
                random,
                this::stamp,
                overlaps,
                this);
        snap.client = user;
      }
      user.move(device);
      user.start(depth);
    }
  }

  void startUsers() {
    lun().start(depth);
    snaps.forEach(this::use);
  }

  /** Lets all users come to an end. */
  void drain() {
    List<Client> users = users();
    users.forEach(Client::stop);
    machine
        .scheduler()
        .runUntil(() -> users.stream().allMatch(Client::idle), "all users to come to an end");
  }

  /** Takes everything down as it is, suspended or not: no request may be left behind. */
  void takeDown() {
    List<Client> users = users();
    users.forEach(Client::stop);
    machine.scheduler().runToQuiescence();
    users.forEach(Client::leave);
    List<String> devices = machine.mapper().ls();
    for (Snap snap : snaps) {
      if (devices.contains(snap.device)) {
        checkInvalid(snap, machine.status(snap.device));
      }
    }
    for (String device : devices) {
      machine.await(machine.mapper().remove(device), "remove " + device);
    }
    machine.scheduler().runToQuiescence();
    for (Client user : users) {
      if (!user.idle()) {
        throw new AssertionError("requests left behind: " + user);
      }
    }
    machine.close();
  }

  void drain(Client user) {
    user.stop();
    machine.scheduler().runUntil(user::idle, user.name + "'s user to come to an end");
  }

  /**
   * Lets those come to an end whose discards go to the volume's disk, past its device: neither a
   * new snapshot nor a merge can be told which of them came before it.
   */
  void drainPassdown() {
    for (Snap snap : snaps) {
      if (snap.client != null && snap.passesDown()) {
        drain(snap.client);
      }
    }
  }

  private List<Client> users() {
    List<Client> users = new ArrayList<>();
    users.add(lun());
    for (Snap snap : snaps) {
      if (snap.client != null) {
        users.add(snap.client);
      }
    }
    return users;
  }

  /** Everything reads as the model does. */
  void verify() {
    say("verify");
    drain();
    lun().verify();
    for (Snap snap : snaps) {
      Client user = snap.client;
      if (user != null && !snap.invalid) {
        user.verify();
      }
    }
    checkStatus();
    startUsers();
  }

  /** Every snapshot that can't fill is valid, and who was invalid stays it. */
  void checkStatus() {
    for (Snap snap : snaps) {
      checkInvalid(snap, machine.status(snap.device));
    }
    String status = machine.status(LUN);
    if (status.contains("failed") && failing(merging)) {
      reached.add(Reached.MERGE_FAILED);
    } else if (status.contains("failed") || (merging != null && status.contains("Invalid"))) {
      throw new AssertionError(status);
    }
  }

  void checkInvalid(Snap snap, String status) {
    boolean isInvalid = status.contains("Invalid");
    note(status);
    if (snap.invalid && !isInvalid) {
      throw new AssertionError(snap.device + " was invalid, and is " + status);
    }
    if (isInvalid && !snap.invalid) {
      if (!snap.cow.mayFill() && !snap.doubtful && !failing(snap)) {
        throw new AssertionError(snap.device + " is invalid, though its store can't fill");
      }
      snap.invalid = true;
      reached.add(Reached.INVALID);
      if (snap.client != null) {
        snap.client.stop();
      }
    }
  }

  private void note(String status) {
    if (status.contains("Overflow")) {
      reached.add(Reached.OVERFLOW);
    }
  }

  /** Whether the merge has come to its end: allocated = metadata. */
  boolean merged() {
    String row = machine.status(LUN).lines().findFirst().orElse("");
    String[] words = row.split("[ /]", -1);
    int last = words.length - 1;
    return words[last].matches("[0-9]+") && words[last].equals(words[last - 2]);
  }

  /** Whether the merge has given up. */
  boolean mergeFailed() {
    return machine.status(LUN).contains("failed");
  }

  /** From here on {@code snap} is the volume, whatever happens; its device is not used any more. */
  void switchTo(Snap snap) {
    snaps.remove(snap);
    merging = snap;
    snap.model.adopt();
    content = snap.model.inFrontOf(content);
  }

  /** The merge is over, and its store free. */
  void mergeOver() {
    merging = null;
    snaps.forEach(snap -> snap.merged = null);
  }

  @Override
  public @Nullable ModelDevice passesDown(Client client) {
    for (Snap snap : snaps) {
      if (snap.client == client && snap.passesDown()) {
        reached.add(Reached.PASSED_DOWN);
        return content;
      }
    }
    return null;
  }

  @Override
  public void flushed(Client client, long begin) {
    client.model().flushed(begin, false);
    if (client.model() == content) {
      snaps.forEach(snap -> snap.model.flushed(begin, true));
    }
  }

  @Override
  public @Nullable String failed(Client client, Io io, IoError error) {
    if (mayFail(client)) {
      return null;
    }
    if (error.kind() == IoError.Kind.NOT_SUPPORTED
        && io.op() == Io.Op.DISCARD
        && !client.device().limits().discards()) {
      return null;
    }
    for (Snap snap : snaps) {
      if (snap.client == client && snap.cow.mayFill()) {
        String status = machine.status(snap.device);
        if (status.contains("Invalid")
            || (status.contains("Overflow")
                && io.modifies()
                && error.kind() == IoError.Kind.NO_SPACE)) {
          note(status);
          return null;
        }
      }
    }
    return error.kind() == IoError.Kind.GONE && client.mayBeGone() ? null : "failed with " + error;
  }

  /** Whether a disk has failed that the user's device stands on. No origin fails for a snapshot. */
  private boolean mayFail(Client client) {
    if (client == lun) {
      return failing(merging);
    }
    return snaps.stream().anyMatch(snap -> snap.client == client && failing(snap));
  }
}
