// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.history;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Changes of {@link RecordedVolumes} in an order that a seed decides, and how long they take. */
final class RandomChanges {
  private static final int GROWTH_BLOCKS = 64;
  private static final int MOST_GROWTHS = 8;

  private final RecordedVolumes volumes;
  private final SplittableRandom random;
  private final Map<Change, Long> usual = new HashMap<>(); // nanoseconds, the last ones most
  private final Map<Change, Integer> counts = new EnumMap<>(Change.class);
  private int growths;

  RandomChanges(RecordedVolumes volumes, SplittableRandom random) {
    this.volumes = volumes;
    this.random = random;
  }

  /** How often each was done. */
  Map<Change, Integer> counts() {
    return counts;
  }

  /** A delay that hits the middle of such a change, nanoseconds. */
  long delayInto(Change change) {
    return random.nextLong(usual.getOrDefault(change, 30_000_000L) * 5 / 4 + 1_000_000);
  }

  Change any() {
    return Change.ALL.get(random.nextInt(Change.ALL.size()));
  }

  /** Makes what a change needs, so that it can be asked for at once. */
  void prepare(Change change) throws Exception {
    volumes.begun();
    switch (change) {
      case CREATE, CREATE_GROUP -> {
        for (String volume : RecordedVolumes.VOLUMES) {
          if (volumes.free(volume) == null) {
            volumes.awaitIdle();
            remove(volume);
          }
        }
      }
      case MERGE_QUEUED -> {
        volumes.awaitIdle();
        while (volumes.ready("vm1").size() < 2) {
          create(List.of("vm1"));
        }
      }
      case REMOVE, MERGE, MERGE_GROUP, MERGE_KEEP, COPY, IMPORT -> {
        volumes.awaitIdle();
        for (String volume : RecordedVolumes.VOLUMES) {
          if (volumes.ready(volume).isEmpty()) {
            create(List.of(volume));
          }
        }
        if ((change == Change.COPY || change == Change.IMPORT) && !volumes.roomForCopy()) {
          volumes.removeCopy(volumes.copies().getFirst());
        }
      }
      case REMOVE_COPY -> {
        if (volumes.copies().isEmpty()) {
          prepare(Change.COPY);
          perform(Change.COPY);
        }
      }
      case GROW -> {}
    }
  }

  /** Does it; what it needs must be there. */
  void perform(Change change) throws Exception {
    long began = System.nanoTime();
    String volume = RecordedVolumes.VOLUMES.get(random.nextInt(RecordedVolumes.VOLUMES.size()));
    boolean done =
        switch (change) {
          case CREATE -> create(List.of(volume));
          case CREATE_GROUP -> create(RecordedVolumes.VOLUMES);
          case REMOVE -> remove(volume);
          case MERGE -> merge(List.of(volume), false);
          case MERGE_KEEP -> merge(List.of(volume), true);
          case MERGE_GROUP -> merge(RecordedVolumes.VOLUMES, random.nextBoolean());
          case MERGE_QUEUED -> {
            boolean first = merge(List.of("vm1"), false);
            yield merge(List.of("vm1"), false) && first;
          }
          case GROW ->
              ++growths <= MOST_GROWTHS && volumes.grow(volume, 1 + random.nextInt(GROWTH_BLOCKS));
          case COPY, IMPORT -> copy(volume, change == Change.IMPORT);
          case REMOVE_COPY -> {
            String copy = any(volumes.copies());
            if (copy != null) {
              volumes.removeCopy(copy);
            }
            yield copy != null;
          }
        };
    if (done) {
      usual.merge(change, System.nanoTime() - began, (before, last) -> (before + last) / 2);
      counts.merge(change, 1, Integer::sum);
    }
  }

  private @Nullable String any(List<String> all) {
    return all.isEmpty() ? null : all.get(random.nextInt(all.size()));
  }

  private boolean create(List<String> of) throws Exception {
    List<String> devices = new ArrayList<>();
    for (String volume : of) {
      String free = volumes.free(volume);
      if (free == null) {
        return false;
      }
      devices.add(free);
    }
    return volumes.create(devices);
  }

  private boolean remove(String volume) throws Exception {
    String device = any(volumes.ready(volume));
    if (device != null) {
      volumes.remove(device);
    }
    return device != null;
  }

  private boolean merge(List<String> of, boolean keep) throws Exception {
    List<String> devices = new ArrayList<>();
    for (String volume : of) {
      String device = any(volumes.ready(volume));
      if (device == null) {
        return false;
      }
      devices.add(device);
    }
    return volumes.merge(devices, keep, (4L << 20) << random.nextInt(3));
  }

  private boolean copy(String volume, boolean byStream) throws Exception {
    String device = any(volumes.ready(volume));
    return device != null && volumes.roomForCopy() && volumes.copy(device, byStream);
  }
}
