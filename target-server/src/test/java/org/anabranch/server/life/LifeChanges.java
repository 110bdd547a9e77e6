// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.life;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.anabranch.block.testing.Await;
import org.anabranch.server.base.Hooks;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.life.World.Snap;
import org.anabranch.server.snapshots.Wanted;
import org.anabranch.server.snapshots.merge.MergeRequest;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.anabranch.server.volumes.NewVolume;
import org.anabranch.server.volumes.VolumeCopy;
import org.jspecify.annotations.Nullable;

/** The changes of a life, chosen at random among those that the world allows. One thread. */
final class LifeChanges {
  private static final List<String> NAMES = List.of("a", "b", "c");
  private static final List<String> MADE = List.of("web", "db");
  private static final int CHUNK_SECTORS = 16;
  private static final int MOST_SECTORS = 1024;
  private static final long SLOW = 64 << 10;

  private static int lastWrite;

  private final LifeServer server;
  private final SplittableRandom random;
  private final Set<LifeReached> reached;
  private final Consumer<String> trace;
  private World before = World.EMPTY;
  private List<World> between = List.of();
  private String writing = "";

  LifeChanges(
      LifeServer server,
      SplittableRandom random,
      Set<LifeReached> reached,
      Consumer<String> trace) {
    this.server = server;
    this.random = random;
    this.reached = reached;
    this.trace = trace;
  }

  /** What a change does, and the world after it. */
  private interface Does {
    void run() throws Exception;
  }

  /** The world before the last change. */
  World before() {
    return before;
  }

  /** The worlds that the last change may stop at, and that are neither. */
  List<World> between() {
    return between;
  }

  /** The device that the last change wrote to; empty when it was something else. */
  String writing() {
    return writing;
  }

  /** Makes a change. The world after it; when the server has crashed, after it if it was done. */
  World change(World world) throws Exception {
    before = Candidates.advanced(world, server.snapshots(), reached);
    between = List.of();
    writing = "";
    int dice = random.nextInt(100);
    if (dice < 38) {
      return write();
    } else if (dice < 45) {
      return flush();
    } else if (dice < 56) {
      return create();
    } else if (dice < 60) {
      return createGroup();
    } else if (dice < 72) {
      return merge();
    } else if (dice < 75) {
      return mergeGroup();
    } else if (dice < 79) {
      return removeSnapshot();
    } else if (dice < 82) {
      return renameSnapshot();
    } else if (dice < 84) {
      return describe();
    } else if (dice < 87) {
      return resize();
    } else if (dice < 90) {
      return createVolume();
    } else if (dice < 93) {
      return copyVolume();
    } else if (dice < 95) {
      return removeVolume();
    } else if (dice < 97) {
      return renameVolume();
    } else if (dice < 98) {
      return widen();
    }
    return pauseOrThrottle();
  }

  private World does(String what, World after, Does does) throws Exception {
    trace.accept("> " + what);
    try {
      does.run();
      return after;
    } catch (RefusedException e) {
      trace.accept("refused: " + e.getMessage());
      boolean merges = before.snapshots().values().stream().anyMatch(s -> s.phase() != Phase.READY);
      if (merges) {
        return before; // it may have begun or ended in between
      }
      throw new AssertionError(what + " was refused: " + e.getMessage(), e);
    }
  }

  private <T> @Nullable T any(List<T> all) {
    return all.isEmpty() ? null : all.get(random.nextInt(all.size()));
  }

  private List<String> ready() {
    return before.snapshots().entrySet().stream()
        .filter(each -> each.getValue().phase() == Phase.READY)
        .map(Map.Entry::getKey)
        .toList();
  }

  private List<String> quietVolumes() {
    return before.volumes().keySet().stream().filter(each -> !before.isMerging(each)).toList();
  }

  private boolean isQueued(String volume) {
    return before.snapshots().entrySet().stream()
        .anyMatch(each ->
            World.volumeOf(each.getKey()).equals(volume)
                && each.getValue().phase() == Phase.QUEUED);
  }

  private World write() throws Exception {
    List<String> devices = new ArrayList<>();
    for (String volume : before.volumes().keySet()) {
      if (!isQueued(volume)) {
        devices.add(volume); // while one is queued, nobody knows which world a write belongs to
        devices.add(volume);
      }
    }
    for (String snapshot : ready()) {
      devices.add(snapshot);
    }
    String device = Objects.requireNonNull(any(devices.isEmpty() ? List.of("") : devices));
    if (device.isEmpty()) {
      return before;
    }
    int length = before.contents(device).length();
    int first = random.nextInt(length);
    int count = Math.min(1 + random.nextInt(40), length - first);
    int write = ++lastWrite;
    boolean durable = random.nextInt(4) == 0;
    writing = device;
    World after = before.with(device, now -> now.written(first, count, write));
    after =
        does(
            "write "
                + write
                + " to "
                + device
                + " at "
                + first
                + ", "
                + count
                + (durable ? " FUA" : ""),
            after,
            () -> server.write(device, first, count, write, durable));
    return after;
  }

  private World flush() throws Exception {
    String device = Objects.requireNonNull(any(List.copyOf(before.volumes().keySet())));
    return does(
        "flush " + device, before.with(device, Contents::flushed), () -> server.flush(device));
  }

  /** Names that a new snapshot can have; one whose removal has not ended has its name still. */
  private List<String> free(String volume) {
    Set<String> listed = server.snapshots().keySet();
    return NAMES.stream()
        .map(name -> volume + "@" + name)
        .filter(device -> !before.snapshots().containsKey(device) && !listed.contains(device))
        .toList();
  }

  private static Wanted wanted(String device) {
    String volume = World.volumeOf(device);
    return new Wanted(volume, device.substring(volume.length() + 1), CHUNK_SECTORS, 0, false, "");
  }

  private World create() throws Exception {
    String volume = any(quietVolumes());
    String device = volume == null ? null : any(free(volume));
    if (device == null) {
      return before;
    }
    return does(
        "create " + device,
        before.taken(device),
        () -> server.server().snapshots().create(List.of(wanted(device)), Hooks.Listener.NOBODY));
  }

  private World createGroup() throws Exception {
    List<String> quiet = quietVolumes();
    String first = quiet.contains("vm1") ? any(free("vm1")) : null;
    String second = quiet.contains("vm2") ? any(free("vm2")) : null;
    if (first == null || second == null) {
      return before;
    }
    World after =
        does(
            "create " + first + " " + second,
            before.taken(first).taken(second),
            () ->
                server
                    .server()
                    .snapshots()
                    .create(List.of(wanted(first), wanted(second)), Hooks.Listener.NOBODY));
    reached.add(LifeReached.GROUP_TAKEN);
    return after;
  }

  private MergeRequest request(List<String> devices, boolean keeps) {
    return new MergeRequest(
        devices,
        MergeRequest.Begin.NOW, // who uses a volume, and until when, has histories of its own
        MergeRequest.TIME_LIMIT,
        null,
        random.nextInt(3) == 0 ? SLOW : 0L,
        keeps);
  }

  private World merge() throws Exception {
    String device = any(ready());
    if (device == null || isQueued(World.volumeOf(device))) {
      return before;
    }
    boolean keeps = random.nextBoolean();
    boolean queues = before.isMerging(World.volumeOf(device));
    Snap snapshot = before.snapshot(device);
    World queued = before.withSnapshot(device, snapshot.in(Phase.QUEUED, keeps));
    between = List.of(queued);
    World after =
        does(
            (queues ? "queue a merge of " : "merge ") + device + (keeps ? ", keep" : ""),
            queues ? queued : before.merging(device, keeps),
            () ->
                server
                    .server()
                    .snapshots()
                    .merge(request(List.of(device), keeps), Hooks.Listener.NOBODY));
    if (queues) {
      reached.add(LifeReached.QUEUED);
    }
    return after;
  }

  private World mergeGroup() throws Exception {
    List<String> ready = ready();
    List<String> quiet = quietVolumes();
    String first =
        any(ready.stream().filter(s -> s.startsWith("vm1@") && quiet.contains("vm1")).toList());
    String second =
        any(ready.stream().filter(s -> s.startsWith("vm2@") && quiet.contains("vm2")).toList());
    if (first == null || second == null) {
      return before;
    }
    boolean keeps = random.nextBoolean();
    between =
        List.of(
            before
                .withSnapshot(first, before.snapshot(first).in(Phase.QUEUED, keeps))
                .withSnapshot(second, before.snapshot(second).in(Phase.QUEUED, keeps)));
    World after =
        does(
            "merge " + first + " " + second + (keeps ? ", keep" : ""),
            before.merging(first, keeps).merging(second, keeps),
            () ->
                server
                    .server()
                    .snapshots()
                    .merge(request(List.of(first, second), keeps), Hooks.Listener.NOBODY));
    reached.add(LifeReached.GROUP_MERGED);
    return after;
  }

  private World removeSnapshot() throws Exception {
    String device = any(ready());
    if (device == null) {
      return before;
    }
    reached.add(LifeReached.REMOVED);
    return does(
        "remove " + device,
        before.withoutSnapshot(device),
        () -> server.server().snapshots().remove(device, true));
  }

  private World renameSnapshot() throws Exception {
    String device = any(ready());
    String newDevice = device == null ? null : any(free(World.volumeOf(device)));
    if (device == null || newDevice == null) {
      return before;
    }
    reached.add(LifeReached.RENAMED);
    String name = newDevice.substring(newDevice.indexOf('@') + 1);
    return does(
        "rename " + device + " to " + name,
        before.renamedSnapshot(device, newDevice),
        () -> server.server().snapshots().rename(device, name, true));
  }

  private World describe() throws Exception {
    String device = any(ready());
    if (device == null) {
      return before;
    }
    Snap snapshot = before.snapshot(device);
    String text = "description " + ++lastWrite;
    return does(
        "describe " + device,
        before.withSnapshot(
            device, new Snap(snapshot.contents(), snapshot.phase(), snapshot.keeps(), text)),
        () -> server.server().snapshots().describe(device, text));
  }

  private World resize() throws Exception {
    String volume = any(quietVolumes());
    int longer = volume == null ? MOST_SECTORS : before.contents(volume).length() + 128;
    if (volume == null || longer > MOST_SECTORS) {
      return before;
    }
    reached.add(LifeReached.RESIZED);
    return does(
        "resize " + volume + " to " + longer,
        before.with(volume, now -> now.extended(longer)),
        () -> server.server().resize(volume, longer, false, false));
  }

  private @Nullable String freeVolume() {
    return any(
        MADE.stream()
            .filter(each -> !before.volumes().containsKey(each) && !server.hasImage(each))
            .toList());
  }

  private World createVolume() throws Exception {
    String name = freeVolume();
    if (name == null) {
      return before;
    }
    return does(
        "create volume " + name,
        before.withVolume(name, Contents.zeros(LifeServer.SECTORS)),
        () -> {
          long bytes = (long) LifeServer.SECTORS * Contents.SECTOR;
          var _ = server.server().volumes().create(NewVolume.empty(name, bytes, null));
        });
  }

  private World copyVolume() throws Exception {
    String name = freeVolume();
    String from = any(ready());
    if (name == null || from == null || before.isMerging(World.volumeOf(from))) {
      return before;
    }
    reached.add(LifeReached.COPIED);
    return does(
        "create volume " + name + " from " + from,
        before.withVolume(name, before.contents(from).flushed()),
        () -> {
          VolumeCopy copy =
              Objects.requireNonNull(
                  server.server().volumes().create(NewVolume.copyOf(from, name)));
          copy.await(progress -> {});
        });
  }

  private @Nullable String madeVolume() {
    return any(
        MADE.stream()
            .filter(each -> before.volumes().containsKey(each) && !before.isMerging(each))
            .toList());
  }

  private World removeVolume() throws Exception {
    String name = madeVolume();
    if (name == null || free(name).size() < NAMES.size()) {
      return before;
    }
    reached.add(LifeReached.REMOVED);
    return does(
        "remove volume " + name,
        before.withoutVolume(name),
        () -> {
          var _ = server.server().volumes().remove(name, true);
        });
  }

  private World renameVolume() throws Exception {
    String name = madeVolume();
    String newName = freeVolume();
    if (name == null || newName == null) {
      return before;
    }
    reached.add(LifeReached.RENAMED);
    return does(
        "rename volume " + name + " to " + newName,
        before.renamedVolume(name, newName),
        () -> server.server().volumes().rename(name, newName));
  }

  private World widen() throws Exception {
    if (before.volumes().containsKey("vm3")) {
      return before;
    }
    reached.add(LifeReached.RELOADED);
    before = before.withVolume("vm3", Contents.zeros(LifeServer.SECTORS)); // it is in the file
    return does("reload with vm3", before, server::widen);
  }

  private World pauseOrThrottle() throws Exception {
    List<String> merging =
        before.snapshots().entrySet().stream()
            .filter(each -> each.getValue().phase() == Phase.MERGING)
            .map(Map.Entry::getKey)
            .toList();
    String device = any(merging);
    if (device == null) {
      return before;
    }
    boolean paused = random.nextBoolean();
    return random.nextBoolean()
        ? does(
            "throttle " + device,
            before,
            () -> server.server().snapshots().throttle(device, paused ? SLOW : 0))
        : does(
            (paused ? "pause " : "resume ") + device,
            before,
            () -> server.server().snapshots().pause(device, paused));
  }

  /** Lets all merges come to their end. */
  void rest() throws Exception {
    trace.accept("> rest");
    Await.until(
        "no merge is under way",
        () -> {
          SortedMap<String, SnapshotState> listed = server.snapshots();
          for (SnapshotState each : listed.values()) {
            if (each.phase() == Phase.MERGING) {
              hurry(each);
            }
          }
          return new TreeMap<>(listed)
              .values().stream().allMatch(each -> each.phase() == Phase.READY);
        });
  }

  private void hurry(SnapshotState merging) {
    try {
      server.server().snapshots().throttle(merging.device(), 0);
      server.server().snapshots().pause(merging.device(), false);
    } catch (RefusedException e) {
      trace.accept("it has just ended: " + e.getMessage());
    }
  }
}
