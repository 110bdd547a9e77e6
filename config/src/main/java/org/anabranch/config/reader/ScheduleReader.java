// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.anabranch.config.schedule.ScheduleConfig;
import org.jspecify.annotations.Nullable;

/** Reads {@code snapshots}: the schedules, by name. */
final class ScheduleReader {
  private static final int MAX_KEEP = 1000;
  private static final int DEFAULT_CHUNK_SECTORS = 16;

  /** Header, an area of the list, and one chunk of data. */
  private static final int MIN_STORE_CHUNKS = 3;

  private static final ValueFormat<Duration> EVERY =
      ValueFormat.duration(Duration.ofMinutes(1), Duration.ofDays(366));
  private static final ValueFormat<Duration> OFFSET =
      ValueFormat.duration(Duration.ZERO, Duration.ofDays(366));
  private static final ValueFormat<Integer> CHUNK =
      ValueFormat.of(
          "a power of two from 4 KiB to 32 MiB",
          text -> {
            Long bytes = ValueFormat.size(4096, 32 << 20, 4096).reader().apply(text);
            return bytes == null || Long.bitCount(bytes) != 1
                ? null
                : (Integer) (int) (bytes / 512);
          });
  private static final ValueFormat<Long> SIZE = ValueFormat.size(4096, 1L << 60, 512);

  /** The names of its snapshots have a time behind it, and a number perhaps. */
  private static final ValueFormat<String> VOLUME =
      ValueFormat.of(
          "the name of a volume, not of a snapshot",
          text -> ValueFormat.isName(text) ? text : null);

  private static final int MAX_NAME = 40;

  private final Section schedules;
  private final Set<String> volumes;
  private final Set<String> devices;

  /**
   * @param volumes that are configured
   * @param devices that are configured and are not volumes
   */
  ScheduleReader(Section schedules, Set<String> volumes, Set<String> devices) {
    this.schedules = schedules;
    this.volumes = volumes;
    this.devices = devices;
  }

  SortedMap<String, ScheduleConfig> schedules() {
    SortedMap<String, ScheduleConfig> result = new TreeMap<>();
    for (String name : schedules.names()) {
      if (!ValueFormat.isName(name) || name.length() > MAX_NAME) {
        schedules.problem(
            name,
            "not a schedule's name",
            "1 to "
                + MAX_NAME
                + " letters, digits, '.', '_', '+' and '-', first a letter or digit");
      } else if (schedules.given(name) != null) {
        ScheduleConfig schedule = schedule(name, schedules.section(name, Section.empty()));
        if (schedule != null) {
          result.put(name, schedule);
        }
      }
    }
    return result;
  }

  private @Nullable ScheduleConfig schedule(String name, Section section) {
    List<String> names = volumes(section);
    Duration every = section.required("every", EVERY);
    Duration offset = Objects.requireNonNullElse(section.optional("offset", OFFSET), Duration.ZERO);
    Integer keep = section.required("keep", ValueFormat.integer(1, MAX_KEEP));
    int chunk =
        Objects.requireNonNullElse(
            section.optional("chunk-size", CHUNK), (Integer) DEFAULT_CHUNK_SECTORS);
    Long size = section.optional("size", SIZE);
    boolean readOnly =
        Objects.requireNonNullElse(section.optional("read-only", ValueFormat.BOOLEAN), false);
    long least = (long) MIN_STORE_CHUNKS * chunk * 512;
    if (size != null && size < least) {
      section.problem(
          "size",
          "found " + ValueFormat.bytes(size) + ", too small for chunks of that size",
          ValueFormat.bytes(least) + " or more");
    }
    if (every != null && every.toMillis() % 1000 != 0) {
      section.problem("every", "found a fraction of a second", "whole seconds");
    }
    if (every != null && (offset.compareTo(every) >= 0 || offset.toMillis() % 1000 != 0)) {
      section.problem(
          "offset", "found " + ValueFormat.time(offset), "whole seconds, less than every");
    }
    section.end();
    if (names.isEmpty() || every == null || keep == null) {
      return null; // reported
    }
    return new ScheduleConfig(
        name, names, every, offset, keep, chunk, size == null ? 0 : size, readOnly);
  }

  private List<String> volumes(Section section) {
    if (!section.has("volumes")) {
      section.missing("volumes", "missing", "the volumes of which snapshots are taken");
      return List.of();
    }
    List<String> names = section.nonEmptyList("volumes", VOLUME);
    Set<String> seen = new HashSet<>();
    for (String volume : names) {
      if (!seen.add(volume)) {
        section.problem("volumes", "found " + volume + " twice", "each volume once");
      } else if (devices.contains(volume)) {
        section.problem(
            "volumes", "found " + volume + ", which is a device", "volumes, which have snapshots");
      } else if (!volumes.contains(volume)) {
        section.warn(
            "volumes",
            "there is no volume " + volume + " in the file",
            "one of " + String.join(", ", volumes) + "; or one that is made at run time");
      }
    }
    return names;
  }
}
