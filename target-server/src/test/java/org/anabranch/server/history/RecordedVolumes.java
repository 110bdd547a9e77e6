// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.history;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.history.Event;
import org.anabranch.initiator.history.Recorder;
import org.anabranch.initiator.history.ServedDisks.Served;
import org.anabranch.server.Site;
import org.anabranch.server.base.RefusedException;
import org.jspecify.annotations.Nullable;

/**
 * Two volumes of a server, their snapshots, and copies of these, changed by control commands under
 * load and recorded. What a kill broke off is settled after the next start: the server's lists tell
 * whether it was done. One thread.
 */
final class RecordedVolumes {
  static final String TARGET = "iqn.2026-11.org.example:t";
  static final List<String> VOLUMES = List.of("vm1", "vm2");
  private static final int SLOTS = 3;
  private static final int COPY_LUN = 8;
  private static final int COPIES = 2;
  private static final long PATIENCE = 60;

  /** The number of the recorder's events that this makes. */
  private static final int WRITER = 1_000;

  /** A snapshot, or a copy of one, of some time: the names of the server are used again. */
  private record Disk(String device, String name, int lun, int blocks, int blockSize) {}

  /** What was asked for and not answered. */
  private record Pending(Change change, long id, Map<String, Disk> made, List<Disk> merged) {}

  private final RecordedServer hosts;
  private final Recorder recorder;
  private final Map<String, Integer> blockSizes;
  private final Map<String, Disk> snapshots = new TreeMap<>(); // by device
  private final Map<String, Disk> copies = new TreeMap<>(); // by device
  private final Map<String, Integer> blocks = new HashMap<>();
  private Site site;
  private volatile boolean dead;
  private int made;
  private @Nullable Pending pending;

  /** Merges that wait for another one. */
  private final List<Pending> queued = new ArrayList<>();

  /** Snapshots whose merge has begun and keeps them; not written until it has ended. */
  private final List<Disk> kept = new ArrayList<>();

  /** The stores that snapshots had before a merge that was to keep them. */
  private final Map<String, String> stores = new HashMap<>();

  RecordedVolumes(RecordedServer hosts, Site site, int bytes, Map<String, Integer> blockSizes) {
    this.hosts = hosts;
    this.recorder = hosts.recorder;
    this.site = site;
    this.blockSizes = blockSizes;
    for (String volume : VOLUMES) {
      int count = bytes / blockSize(volume);
      blocks.put(volume, count);
      recorder.happened(new Event.NewDisk(volume, count));
      serve(new Disk(volume, volume, VOLUMES.indexOf(volume), count, blockSize(volume)), true);
    }
  }

  /** The configuration of such volumes, to stand in {@code anabranch { }}. */
  static String configuration(int bytes, Map<String, Integer> blockSizes) {
    return configuration(bytes, blockSizes, volume -> "path = " + volume + ".img");
  }

  /** The same in other places: {@code place} has the key and the address of a volume. */
  static String configuration(
      int bytes, Map<String, Integer> blockSizes, UnaryOperator<String> place) {
    StringBuilder luns = new StringBuilder();
    for (int volume = 0; volume < VOLUMES.size(); volume++) {
      luns.append(", ").append(volume).append(" = ").append(VOLUMES.get(volume));
      for (int slot = 0; slot < SLOTS; slot++) {
        String device = VOLUMES.get(volume) + "@s" + slot;
        luns.append(", ").append(lun(device)).append(" = \"").append(device).append('"');
      }
    }
    StringBuilder volumes = new StringBuilder();
    for (String volume : VOLUMES) {
      volumes.append(
          String.format(
              "%s { %s, size = %d, block-size = %d }%n",
              volume, place.apply(volume), bytes, blockSizes.getOrDefault(volume, 512)));
    }
    return "volumes {\n"
        + volumes
        + "}\ntargets { \""
        + TARGET
        + "\" { luns {"
        + luns.substring(1)
        + " } } }\n";
  }

  private static int lun(String device) {
    int volume = VOLUMES.indexOf(device.substring(0, device.indexOf('@')));
    return VOLUMES.size()
        + volume * SLOTS
        + Integer.parseInt(device.substring(device.length() - 1));
  }

  private int blockSize(String volume) {
    return blockSizes.getOrDefault(volume, 512);
  }

  /** The server has another folder now. */
  void at(Site newSite) {
    site = newSite;
    dead = false;
  }

  /** What the present server answers from now on counts as not answered. Any thread. */
  void dead() {
    dead = true;
  }

  private Map<String, Object> answer(String verb, Map<String, ?> arguments)
      throws RefusedException {
    Map<String, Object> answer = site.ask(verb, arguments);
    if (dead) {
      throw new RefusedException("the server stopped before it answered");
    }
    return answer;
  }

  private void serve(Disk disk, boolean writable) {
    hosts.served.serve(
        new Served(disk.name, TARGET, disk.lun, disk.blocks, disk.blockSize, writable));
  }

  private void withdraw(Disk disk) throws Exception {
    hosts.served.withdraw(disk.name, PATIENCE);
  }

  // What can be asked for now.

  /** A snapshot's device that is free, of a volume. */
  @Nullable String free(String volume) throws Exception {
    Map<String, String> phases = phases();
    for (int slot = 0; slot < SLOTS; slot++) {
      String device = volume + "@s" + slot;
      if (!snapshots.containsKey(device) && !phases.containsKey(device)) {
        return device;
      }
    }
    return null;
  }

  /** Snapshots of a volume that can be removed or merged. */
  List<String> ready(String volume) throws Exception {
    Map<String, String> phases = phases();
    return snapshots.keySet().stream()
        .filter(device -> device.startsWith(volume + "@") && "ready".equals(phases.get(device)))
        .toList();
  }

  List<String> copies() {
    return List.copyOf(copies.keySet());
  }

  boolean roomForCopy() {
    return copies.size() < COPIES;
  }

  // Changes. Each returns whether it was done; false if the server refused it.

  boolean create(List<String> devices) throws Exception {
    Map<String, String> from = new LinkedHashMap<>();
    Map<String, Disk> disks = new LinkedHashMap<>();
    for (String device : devices) {
      String volume = device.substring(0, device.indexOf('@'));
      Disk disk =
          new Disk(
              device,
              device + "#" + ++made,
              lun(device),
              Objects.requireNonNull(blocks.get(volume)),
              blockSize(volume));
      disks.put(device, disk);
      from.put(disk.name, volume);
    }
    long id = recorder.copy(WRITER, from);
    Change change = devices.size() > 1 ? Change.CREATE_GROUP : Change.CREATE;
    if (!ask(
        new Pending(change, id, disks, List.of()),
        "snapshot create",
        Map.of("names", devices, "chunk-sectors", 8))) {
      return false;
    }
    created(id, disks);
    return true;
  }

  private void created(long id, Map<String, Disk> disks) {
    recorder.done(id);
    snapshots.putAll(disks);
    disks.values().forEach(disk -> serve(disk, true));
  }

  void remove(String device) throws Exception {
    Disk disk = snapshot(device);
    withdraw(disk);
    recorder.happened(new Event.Removed(disk.name));
    snapshots.remove(device);
    ask(
        new Pending(Change.REMOVE, 0, Map.of(), List.of(disk)),
        "snapshot remove",
        Map.of("name", device, "force", true));
  }

  /** Rolls volumes back at one instant; a volume whose merge runs already queues it. */
  boolean merge(List<String> devices, boolean keep, long bytesPerSecond) throws Exception {
    Map<String, String> to = new LinkedHashMap<>();
    List<Disk> disks = new ArrayList<>();
    for (String device : devices) {
      Disk disk = snapshot(device);
      withdraw(disk);
      if (keep) { // it stays what it is, and readable
        serve(disk, false);
        stores.put(device, Objects.requireNonNull(stores().get(device)));
      }
      disks.add(disk);
      to.put(device.substring(0, device.indexOf('@')), disk.name);
    }
    long id = recorder.rollback(WRITER, to);
    Change change =
        keep ? Change.MERGE_KEEP : devices.size() > 1 ? Change.MERGE_GROUP : Change.MERGE;
    Pending merge = new Pending(change, id, Map.of(), disks);
    boolean done =
        ask(
            merge,
            "snapshot merge",
            Map.of("names", devices, "now", true, "keep", keep, "throttle", bytesPerSecond));
    if (!done) {
      disks.forEach(disk -> serve(disk, true));
      return false;
    }
    if (!keep) {
      disks.forEach(disk -> snapshots.remove(disk.device));
    }
    queued.add(merge);
    begun();
    return true;
  }

  /** Records which of the merges that were answered have begun, and which that keep have ended. */
  void begun() throws Exception {
    Map<String, String> phases = queued.isEmpty() && kept.isEmpty() ? Map.of() : phases();
    for (Disk disk : List.copyOf(kept)) {
      if ("ready".equals(phases.get(disk.device))) {
        kept.remove(disk);
        serve(disk, true);
      }
    }
    for (Pending merge : List.copyOf(queued)) {
      if (merge.merged.stream().noneMatch(disk -> "queued".equals(phases.get(disk.device)))) {
        queued.remove(merge);
        rolledBack(merge);
      }
    }
  }

  private void rolledBack(Pending merge) {
    recorder.done(merge.id);
    for (Disk disk : merge.merged) {
      if (merge.change == Change.MERGE_KEEP) {
        kept.add(disk);
      } else {
        snapshots.remove(disk.device);
        recorder.happened(new Event.Removed(disk.name));
      }
    }
  }

  boolean grow(String volume, int moreBlocks) throws Exception {
    long bytes =
        (long) (Objects.requireNonNull(blocks.get(volume)) + moreBlocks) * blockSize(volume);
    boolean done =
        ask(
            new Pending(Change.GROW, 0, Map.of(), List.of()),
            "volume resize",
            Map.of("volume", volume, "bytes", bytes));
    sizes();
    return done;
  }

  /** Volumes may be longer than they were. */
  private void sizes() throws RefusedException {
    for (Map<?, ?> volume : list("volume list", "volumes")) {
      String name = String.valueOf(volume.get("name"));
      if (VOLUMES.contains(name)) {
        int now =
            (int)
                (((Number) Objects.requireNonNull(volume.get("bytes"))).longValue()
                    / blockSize(name));
        if (now > Objects.requireNonNull(blocks.get(name))) {
          blocks.put(name, now);
          recorder.happened(new Event.Grown(name, now));
          serve(new Disk(name, name, VOLUMES.indexOf(name), now, blockSize(name)), true);
        }
      }
    }
  }

  /** Makes a volume of a snapshot, by a copy or by a stream. */
  boolean copy(String device, boolean byStream) throws Exception {
    Disk from = snapshot(device);
    withdraw(from);
    serve(from, false);
    String volume = "c" + ++made;
    int slot = 0;
    for (Disk disk : copies.values()) {
      slot = disk.lun == COPY_LUN ? 1 : slot;
    }
    Disk disk = new Disk(volume, volume, COPY_LUN + slot, from.blocks, from.blockSize);
    try {
      byte[] stream = byStream ? site.export(device) : new byte[0];
      long id = recorder.copy(WRITER, Map.of(disk.name, from.name));
      Pending copy =
          new Pending(
              byStream ? Change.IMPORT : Change.COPY, id, Map.of(volume, disk), List.of(from));
      boolean done =
          byStream
              ? attempt(copy, () -> Streams.receive(site, volume, stream))
              : ask(copy, "volume create", Map.of("name", volume, "from", device, "wait", true));
      if (done) {
        copied(id, disk);
      }
      return done;
    } finally {
      serve(from, true);
    }
  }

  private void copied(long id, Disk disk) throws Exception {
    recorder.done(id);
    copies.put(disk.device, disk);
    show(disk);
  }

  /** As a LUN, if it is not one yet. */
  private void show(Disk disk) throws Exception {
    boolean shown =
        list("lun list", "luns").stream().anyMatch(lun -> disk.device.equals(lun.get("device")));
    if (!shown) {
      answer(
          "lun add",
          Map.of("target", TARGET, "number", disk.lun, "device", disk.device, "read-only", false));
    }
    serve(disk, true);
  }

  void removeCopy(String device) throws Exception {
    Disk disk = Objects.requireNonNull(copies.remove(device));
    withdraw(disk);
    recorder.happened(new Event.Removed(disk.name));
    Pending removal = new Pending(Change.REMOVE_COPY, 0, Map.of(), List.of(disk));
    attempt(removal, () -> erase(disk));
  }

  private void erase(Disk disk) throws RefusedException {
    for (Map<?, ?> lun : list("lun list", "luns")) {
      if (disk.device.equals(lun.get("device"))) {
        answer("lun remove", Map.of("target", TARGET, "number", disk.lun, "force", true));
      }
    }
    for (Map<?, ?> snapshot : list("snapshot list", "snapshots")) {
      if (disk.device.equals(snapshot.get("volume"))) {
        answer("snapshot remove", Map.of("name", snapshot.get("name"), "force", true));
      }
    }
    for (Map<?, ?> volume : list("volume list", "volumes")) {
      if (disk.device.equals(volume.get("name"))) {
        answer("volume remove", Map.of("volume", disk.device, "delete-image", true));
      }
    }
  }

  // Asking.

  private interface Asking {
    void run() throws RefusedException;
  }

  private boolean ask(Pending change, String verb, Map<String, ?> arguments)
      throws RefusedException {
    return attempt(change, () -> answer(verb, arguments));
  }

  /** Whether it was done; what the death of the server broke off stays pending. */
  private boolean attempt(Pending change, Asking asking) throws RefusedException {
    pending = change;
    try {
      asking.run();
      if (dead) {
        throw new RefusedException("the server stopped before it answered");
      }
      pending = null;
      return true;
    } catch (RefusedException e) {
      if (dead || isLoss(e) || !isBusy(e)) {
        throw e;
      }
      pending = null;
      if (change.id != 0) {
        recorder.refused(change.id);
      }
      return false;
    }
  }

  /** The server did not answer, since it is dead. */
  static boolean isLoss(RefusedException e) {
    return String.valueOf(e.getMessage())
        .matches(
            "(?s).*(the server stopped before it answered|no server is running|"
                + "no answer from the control socket|no server has its control socket).*");
  }

  /** Refused, as the volume is busy with something else. */
  private static boolean isBusy(RefusedException e) {
    return String.valueOf(e.getMessage())
        .matches(
            "(?s).*(is being rolled back|is under way|is being copied|has another length|is being"
                + " exported|waits for a rollback|rollback that waits|rollback waits|rollback of the"
                + " volume).*");
  }

  // After a start.

  /** What a kill broke off is done or not; the lists tell which. What was done counts as such. */
  @Nullable Change settle() throws Exception {
    Await.until("what is queued has begun", this::phases, p -> !p.containsValue("queued"));
    begun();
    Pending change = pending;
    pending = null;
    if (change != null) {
      settle(change);
    }
    sizes();
    for (Disk disk : copies.values()) {
      show(disk);
    }
    check();
    return change == null ? null : change.change;
  }

  private void settle(Pending change) throws Exception {
    Map<String, String> phases = phases();
    switch (change.change) {
      case CREATE, CREATE_GROUP -> {
        boolean there = phases.keySet().containsAll(change.made.keySet());
        assertThat(change.made.keySet().stream().anyMatch(phases::containsKey))
            .as("all of %s, or none: %s", change.made.keySet(), phases)
            .isEqualTo(there);
        if (there) {
          created(change.id, change.made);
        } else {
          recorder.refused(change.id);
        }
      }
      case REMOVE -> {
        String device = change.merged.getFirst().device;
        if ("ready".equals(phases.get(device))) {
          answer("snapshot remove", Map.of("name", device, "force", true));
        }
      }
      case MERGE, MERGE_GROUP, MERGE_KEEP, MERGE_QUEUED -> settleMerge(change, phases);
      case COPY, IMPORT -> {
        Disk disk = change.made.values().iterator().next();
        Await.until(
            "a copy has ended",
            () -> list("volume list", "volumes"),
            volumes -> volumes.stream().noneMatch(v -> "copying".equals(v.get("state"))));
        if (list("volume list", "volumes").stream()
            .anyMatch(volume -> disk.device.equals(volume.get("name")))) {
          copied(change.id, disk);
        } else {
          recorder.refused(change.id);
        }
      }
      case REMOVE_COPY -> erase(change.merged.getFirst());
      case GROW -> {}
    }
  }

  private void settleMerge(Pending change, Map<String, String> phases) throws Exception {
    Map<String, String> storesNow = stores();
    List<Boolean> begun =
        change.merged.stream()
            .map(disk ->
                !"ready".equals(phases.get(disk.device))
                    || (change.change == Change.MERGE_KEEP
                        && !Objects.equals(stores.get(disk.device), storesNow.get(disk.device))))
            .distinct()
            .toList();
    assertThat(begun).as("all have begun, or none: %s", phases).hasSize(1);
    if (begun.getFirst()) {
      rolledBack(change);
    } else {
      recorder.refused(change.id);
      change.merged.forEach(disk -> serve(disk, true));
    }
  }

  /** What the server lists is what has been done. */
  private void check() throws RefusedException {
    Map<String, String> phases = phases();
    phases.keySet().removeIf(device -> VOLUMES.stream().noneMatch(v -> device.startsWith(v + "@")));
    phases
        .entrySet()
        .removeIf(each ->
            !snapshots.containsKey(each.getKey())
                && List.of("queued", "merging", "removing").contains(each.getValue()));
    assertThat(phases.keySet()).isEqualTo(snapshots.keySet());
  }

  /** Waits until no merge is under way or waits. */
  void awaitIdle() throws Exception {
    Await.until(
        "no merge is under way",
        () -> {
          begun();
          return phases();
        },
        phases ->
            List.of("merging", "queued", "removing").stream().noneMatch(phases::containsValue));
    begun();
  }

  /** Removes all snapshots and copies. */
  void clear() throws Exception {
    awaitIdle();
    for (String copy : copies()) {
      removeCopy(copy);
    }
    for (String device : List.copyOf(snapshots.keySet())) {
      remove(device);
    }
    Await.until("no snapshot is left", this::phases, Map::isEmpty);
  }

  private Disk snapshot(String device) {
    return Objects.requireNonNull(snapshots.get(device), device);
  }

  /**
   * Snapshots and their phases. A rollback that is recorded is queued here until the volume shows
   * it, which the server reports by how far it is.
   */
  Map<String, String> phases() throws RefusedException {
    Map<String, String> phases = new TreeMap<>();
    for (Map<?, ?> snapshot : list("snapshot list", "snapshots")) {
      String phase = String.valueOf(snapshot.get("phase"));
      boolean seen = !phase.equals("merging") || snapshot.get("merge") != null;
      phases.put(String.valueOf(snapshot.get("name")), seen ? phase : "queued");
    }
    return phases;
  }

  /** Whether a rollback is under way, or waits. Any thread. */
  boolean isMerging() throws RefusedException {
    Map<String, String> phases = phases();
    return phases.containsValue("merging") || phases.containsValue("queued");
  }

  /** Whether some snapshot has some chunks of its volume, and not all: first writes copy more. */
  boolean isCopying() throws RefusedException {
    return list("snapshot list", "snapshots").stream()
        .anyMatch(snapshot -> {
          if (!(snapshot.get("store-used-bytes") instanceof Number used)
              || !(snapshot.get("store-metadata-bytes") instanceof Number metadata)
              || !(snapshot.get("bytes") instanceof Number all)) {
            return false;
          }
          long copied = used.longValue() - metadata.longValue();
          return copied > 0 && copied < all.longValue();
        });
  }

  /** Snapshots and the names of their stores' files. */
  private Map<String, String> stores() throws RefusedException {
    Map<String, String> stores = new TreeMap<>();
    for (Map<?, ?> snapshot : list("snapshot list", "snapshots")) {
      String store = String.valueOf(snapshot.get("store"));
      stores.put(String.valueOf(snapshot.get("name")), store.substring(store.lastIndexOf('/') + 1));
    }
    return stores;
  }

  private List<Map<?, ?>> list(String verb, String field) throws RefusedException {
    List<Map<?, ?>> all = new ArrayList<>();
    for (Object each : (List<?>) Objects.requireNonNull(answer(verb, Map.of()).get(field))) {
      all.add((Map<?, ?>) each);
    }
    return all;
  }
}
