// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.history;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * A server that does not exist, with many requests at once in a seeded order, which makes the log
 * of a history: a right one, or one with a fault.
 */
final class SimulatedServer {
  /** What the server does wrong, now and then. */
  enum Fault {
    NONE,
    /** Answers a write that it does not do. */
    LOSES_WRITES,
    /** Reads what was there before. */
    READS_STALE,
    /** After a kill, a write is undone that was answered. */
    FORGETS_IN_A_KILL,
    /** After a kill, a block is as it was at some time. */
    RESURRECTS_IN_A_KILL,
    /** A flush is answered at once. */
    DOES_NOT_FLUSH,
    /** A write to the origin changes its snapshots. */
    CHANGES_SNAPSHOTS,
    /** Half of a snapshot is taken later. */
    TAKES_TWO_INSTANTS,
    /** A rollback leaves some blocks. */
    ROLLS_BACK_LITTLE,
    /** Writes go to the next block. */
    WRITES_BESIDE
  }

  private static final int BLOCKS = 12;

  /** A disk: what reads see, and what a power cut leaves. */
  private static final class Disk {
    private long[] now = new long[BLOCKS];
    private final Map<Integer, List<Long>> unsynced = new TreeMap<>();
    private final List<long[]> past = new ArrayList<>();

    private void put(int block, long value) {
      unsynced.computeIfAbsent(block, b -> new ArrayList<>(List.of(now[b]))).add(value);
      now[block] = value;
    }
  }

  /** A request in flight, as steps that are left. */
  private record Request(long id, List<Runnable> steps) {}

  private final SplittableRandom random;
  private final Fault fault;
  private final boolean powerCuts;
  private final Map<String, Disk> disks = new LinkedHashMap<>();
  private final Map<String, String> origins = new HashMap<>();
  private final List<Request> requests = new ArrayList<>();
  private final List<Event> log = new ArrayList<>();
  private int snapshots;
  private long sequence;

  SimulatedServer(long seed, Fault fault, boolean powerCuts) {
    this.random = new SplittableRandom(seed);
    this.fault = fault;
    this.powerCuts = powerCuts;
    for (String name : List.of("a", "b")) {
      disks.put(name, new Disk());
      log.add(new Event.NewDisk(name, BLOCKS));
    }
  }

  private boolean strikes(Fault which) {
    return fault == which && random.nextInt(3) == 0;
  }

  List<Event> history(int steps) {
    for (int i = 0; i < steps; i++) {
      if (requests.size() < 6 && random.nextInt(3) == 0) {
        begin();
      } else if (!requests.isEmpty()) {
        Request request = requests.get(random.nextInt(requests.size()));
        request.steps.removeFirst().run();
        if (request.steps.isEmpty()) {
          requests.remove(request);
        }
      }
      if (random.nextInt(60) == 0) {
        die();
      }
    }
    return log;
  }

  private void begin() {
    long id = new OperationId(1 + random.nextInt(3), ++sequence).value();
    List<String> names = List.copyOf(disks.keySet());
    String name = names.get(random.nextInt(names.size()));
    int first = random.nextInt(BLOCKS);
    int count = 1 + random.nextInt(BLOCKS - first);
    Disk disk = Objects.requireNonNull(disks.get(name));
    List<Runnable> steps = new ArrayList<>();
    requests.add(new Request(id, steps));
    switch (random.nextInt(12)) {
      case 0 -> snapshot(id, steps);
      case 1 -> rollback(id, steps);
      case 2 -> flush(id, name, disk, steps);
      case 3, 4, 5, 6 -> read(id, name, disk, first, count, steps);
      default -> write(id, name, disk, first, count, steps);
    }
  }

  private void write(long id, String name, Disk disk, int first, int count, List<Runnable> steps) {
    boolean fua = random.nextInt(5) == 0;
    log.add(new Event.Write(id, name, first, count, fua));
    for (int block = first; block < first + count; block++) {
      int at = strikes(Fault.WRITES_BESIDE) ? (block + 1) % BLOCKS : block;
      boolean lost = strikes(Fault.LOSES_WRITES);
      steps.add(() -> {
        if (!lost) {
          disk.put(at, id);
        }
        if (strikes(Fault.CHANGES_SNAPSHOTS)) {
          origins.forEach((snapshot, origin) -> {
            Disk of = disks.get(snapshot);
            if (of != null && origin.equals(name)) {
              of.now[at] = id;
            }
          });
        }
      });
    }
    steps.add(() -> {
      if (fua) {
        for (int block = first; block < first + count; block++) {
          List<Long> versions = disk.unsynced.get(block);
          if (versions != null) { // this write, and whatever followed it
            int from = Math.max(0, versions.indexOf(id));
            versions.subList(0, from).clear();
          }
        }
      }
      log.add(new Event.Done(id));
    });
  }

  private void read(long id, String name, Disk disk, int first, int count, List<Runnable> steps) {
    log.add(new Event.Read(id, name, first, count));
    Long[] values = new Long[count];
    for (int i = 0; i < count; i++) {
      int at = i;
      steps.add(() -> {
        boolean stale = !disk.past.isEmpty() && strikes(Fault.READS_STALE);
        values[at] = (stale ? disk.past.getLast() : disk.now)[first + at];
        if (random.nextInt(8) == 0) {
          disk.past.add(disk.now.clone());
        }
      });
    }
    steps.add(() -> log.add(new Event.Saw(id, Arrays.asList(values), "")));
  }

  private void flush(long id, String name, Disk disk, List<Runnable> steps) {
    log.add(new Event.Flush(id, name));
    steps.add(() -> {
      if (fault != Fault.DOES_NOT_FLUSH) {
        disk.unsynced.clear();
      }
    });
    steps.add(() -> log.add(new Event.Done(id)));
  }

  private void snapshot(long id, List<Runnable> steps) {
    if (disks.size() > 5) {
      String oldest = List.copyOf(disks.keySet()).get(2);
      if (requests.size() == 1) { // nothing else is under way
        disks.remove(oldest);
        log.add(new Event.Removed(oldest));
      }
      steps.add(() -> {});
      return;
    }
    Map<String, String> from = new LinkedHashMap<>();
    for (String origin : random.nextBoolean() ? List.of("a", "b") : List.of("a")) {
      from.put("s" + ++snapshots, origin);
    }
    Map<String, Disk> made = new LinkedHashMap<>();
    log.add(new Event.Copy(id, from));
    steps.add(() -> from.forEach((name, origin) -> made.put(name, copyOf(origin))));
    if (fault == Fault.TAKES_TWO_INSTANTS) {
      steps.addAll(Collections.nCopies(60, () -> {})); // others do much in between
      steps.add(() ->
          from.forEach((name, origin) -> {
            long[] later = copyOf(origin).now;
            System.arraycopy(later, 0, Objects.requireNonNull(made.get(name)).now, 0, BLOCKS / 2);
          }));
    }
    steps.add(() -> {
      disks.putAll(made);
      origins.putAll(from);
      log.add(new Event.Done(id));
    });
  }

  /** It makes durable what it copies. */
  private Disk copyOf(String origin) {
    Disk of = Objects.requireNonNull(disks.get(origin));
    of.unsynced.clear();
    Disk copy = new Disk();
    copy.now = of.now.clone();
    return copy;
  }

  private void rollback(long id, List<Runnable> steps) {
    List<String> names = disks.keySet().stream().filter(origins::containsKey).toList();
    if (names.isEmpty()) {
      steps.add(() -> {});
      return;
    }
    String snapshot = names.get(random.nextInt(names.size()));
    String volume = Objects.requireNonNull(origins.get(snapshot));
    boolean busy =
        log.stream()
            .anyMatch(event ->
                event instanceof Event.Write w
                    && w.disk().equals(snapshot)
                    && requests.stream().anyMatch(r -> r.id == w.id()));
    if (busy) {
      steps.add(() -> {});
      return;
    }
    log.add(new Event.Rollback(id, Map.of(volume, snapshot)));
    Disk to = Objects.requireNonNull(disks.get(snapshot));
    long[] values = to.now.clone();
    steps.add(() -> {
      Disk disk = Objects.requireNonNull(disks.get(volume));
      for (int block = 0; block < BLOCKS; block++) {
        if (!strikes(Fault.ROLLS_BACK_LITTLE)) {
          disk.now[block] = values[block];
        }
      }
      disk.unsynced.clear();
    });
    steps.add(() -> log.add(new Event.Done(id)));
  }

  private void die() {
    // Copies and rollbacks are settled first: they have their answer, or have not begun.
    List<Request> settled = new ArrayList<>();
    for (Request request : requests) {
      boolean change =
          log.stream()
              .anyMatch(event ->
                  (event instanceof Event.Copy c && c.id() == request.id)
                      || (event instanceof Event.Rollback r && r.id() == request.id));
      if (change) {
        request.steps.forEach(Runnable::run);
        settled.add(request);
      }
    }
    requests.removeAll(settled);
    requests.clear();
    boolean cut = powerCuts && random.nextBoolean();
    log.add(cut ? new Event.PowerCut() : new Event.Killed());
    for (Disk disk : disks.values()) {
      if (cut) {
        disk.unsynced.forEach(
            (block, versions) -> disk.now[block] = versions.get(random.nextInt(versions.size())));
      }
      if (strikes(Fault.FORGETS_IN_A_KILL)) {
        disk.unsynced.forEach((block, versions) -> disk.now[block] = versions.getFirst());
      }
      if (!disk.past.isEmpty() && strikes(Fault.RESURRECTS_IN_A_KILL)) {
        disk.now = disk.past.get(random.nextInt(disk.past.size())).clone();
      }
      if (cut) {
        disk.unsynced.clear();
      }
    }
  }
}
