// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.base;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.anabranch.config.Configuration;
import org.anabranch.config.LunConfig;
import org.anabranch.config.TargetConfig;
import org.anabranch.config.VolumeConfig;
import org.anabranch.config.VolumeLimits;
import org.jspecify.annotations.Nullable;

/**
 * The volumes and LUNs that commands have made, in the words of the configuration. Where the
 * configuration file has the same name or number, the file wins. Immutable.
 *
 * @param volumes by name; their own rate limits are in {@code limits}
 * @param limits that {@code volume limit} has set for some of the volumes, by name
 * @param luns by target, then by number
 */
public record MadeAtRunTime(
    SortedMap<String, VolumeConfig> volumes,
    SortedMap<String, VolumeLimits> limits,
    SortedMap<String, SortedMap<Integer, LunConfig>> luns) {
  /** Nothing. */
  public static final MadeAtRunTime NONE =
      new MadeAtRunTime(new TreeMap<>(), new TreeMap<>(), new TreeMap<>());

  public MadeAtRunTime {
    volumes = Collections.unmodifiableSortedMap(new TreeMap<>(volumes));
    limits = Collections.unmodifiableSortedMap(new TreeMap<>(limits));
    luns = Collections.unmodifiableSortedMap(new TreeMap<>(luns));
  }

  /** The configuration file with these, where it does not have them itself. */
  public Configuration over(Configuration file) {
    if (volumes.isEmpty() && luns.isEmpty()) {
      return file;
    }
    VolumeLimits defaults = file.volumeDefaults().limits();
    SortedMap<String, VolumeConfig> allVolumes = new TreeMap<>();
    volumes.forEach(
        (name, volume) -> allVolumes.put(name, volume.with(limits.getOrDefault(name, defaults))));
    allVolumes.keySet().removeAll(file.devices().keySet());
    allVolumes.putAll(file.volumes());
    SortedMap<String, TargetConfig> allTargets = new TreeMap<>(file.targets());
    luns.forEach((name, added) -> {
      TargetConfig target = file.targets().get(name);
      if (target != null) {
        SortedMap<Integer, LunConfig> all = new TreeMap<>(added);
        all.putAll(target.luns());
        allTargets.put(name, target.withLuns(all));
      }
    });
    return file.with(allVolumes, allTargets);
  }

  /** What has no effect because of the configuration file, and what to do about it. */
  public List<Warning> without(Configuration file) {
    List<Warning> warnings = new ArrayList<>();
    volumes.forEach((name, volume) -> {
      VolumeConfig other = file.volumes().get(name);
      if (other != null || file.devices().containsKey(name)) {
        warnings.add(
            new Warning(
                "volume " + name,
                "the configuration has "
                    + (other == null
                        ? "a device of this name"
                        : "it, too, with " + other.source().address())
                    + ", and wins: the volume that was made at run time, with "
                    + volume.source().address()
                    + ", is not served",
                "anabranch volume remove "
                    + name
                    + ", which keeps the image and lets the configuration be; or another name in"
                    + " the configuration"));
      }
    });
    luns.forEach((target, added) ->
        added.forEach((number, lun) -> {
          Warning warning = ineffective(file.targets().get(target), target, lun);
          if (warning != null) {
            warnings.add(warning);
          }
        }));
    return warnings;
  }

  private static @Nullable Warning ineffective(
      @Nullable TargetConfig target, String name, LunConfig lun) {
    String remedy = "anabranch lun remove " + name + " " + lun.number();
    String subject = "target " + name;
    String what = "LUN " + lun.number() + " (" + lun.device() + "), added at run time, ";
    if (target == null) {
      return new Warning(
          subject,
          "it is not configured any more; its " + what + "has no effect",
          remedy + ", or configure the target again");
    }
    LunConfig other = target.luns().get(lun.number());
    return other == null
        ? null
        : new Warning(
            subject,
            what + "has no effect: the configuration has " + other.device() + " there, and wins",
            remedy + ", which lets the configuration be");
  }

  /**
   * The rate limits that {@code volume limit} has set for a volume; null for none, and for a volume
   * of the configuration file.
   */
  public @Nullable VolumeLimits limits(Configuration file, String volume) {
    return file.volumes().containsKey(volume) || file.devices().containsKey(volume)
        ? null
        : limits.get(volume);
  }

  /** Whether a LUN that has effect was added at run time. */
  public boolean hasLun(Configuration file, String target, int number) {
    Map<Integer, LunConfig> added = luns.get(target);
    TargetConfig configured = file.targets().get(target);
    return added != null
        && added.containsKey(number)
        && configured != null
        && !configured.luns().containsKey(number);
  }
}
