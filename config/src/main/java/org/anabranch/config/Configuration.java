// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.anabranch.config.hooks.HooksConfig;
import org.anabranch.config.schedule.ScheduleConfig;
import org.jspecify.annotations.Nullable;

/**
 * A configuration file, checked as far as is possible without disks and network. Immutable.
 *
 * @param portals addresses to listen on; at least one, no two alike
 * @param stateDir the folder of the run-time state; absolute
 * @param baseDir the folder that relative paths in tables are relative to; absolute
 * @param imageDir the folder for images of volumes that are made at run time; absolute
 * @param volumeDefaults what volumes have that do not say otherwise
 * @param volumes by name
 * @param devices by name; no name is also a volume's
 * @param locations the place of each volume and device in the file, by name; and of the users and
 *     programs of hooks, by {@link HooksConfig#key}
 * @param targets by normalised iSCSI name
 * @param discovery who may ask for targets, and for how long
 * @param stores how the stores of snapshots grow
 * @param writeCache the ring of the write caches
 * @param http where metrics and the status page are served; null: nowhere
 * @param mergeGrace after which a merge no longer waits for an initiator that is cut off; zero: it
 *     waits until the initiator comes back and logs out
 * @param hooks programs that run around changes of volumes
 * @param schedules snapshots that are taken again and again, by name
 * @param limits how much the server accepts
 * @param iscsi how it speaks iSCSI
 * @param log how and what it logs
 * @param controlGroup the group whose members may use the control socket beside the server's user
 *     and root; null: nobody else
 * @param files that it was read from: the file itself, those that patterns include, and those with
 *     secrets; absolute
 * @param warnings what works, and may not be what is meant; in the file's order
 */
public record Configuration(
    List<Portal> portals,
    Path stateDir,
    Path baseDir,
    Path imageDir,
    VolumeDefaults volumeDefaults,
    SortedMap<String, VolumeConfig> volumes,
    SortedMap<String, DeviceConfig> devices,
    SortedMap<String, SourceLocation> locations,
    SortedMap<String, TargetConfig> targets,
    DiscoveryConfig discovery,
    StoresConfig stores,
    WriteCacheConfig writeCache,
    @Nullable HttpConfig http,
    Duration mergeGrace,
    HooksConfig hooks,
    SortedMap<String, ScheduleConfig> schedules,
    LimitsConfig limits,
    IscsiConfig iscsi,
    LogConfig log,
    @Nullable String controlGroup,
    Set<Path> files,
    List<Problem> warnings) {
  public Configuration {
    portals = List.copyOf(portals);
    volumes = Collections.unmodifiableSortedMap(new TreeMap<>(volumes));
    devices = Collections.unmodifiableSortedMap(new TreeMap<>(devices));
    locations = Collections.unmodifiableSortedMap(new TreeMap<>(locations));
    targets = Collections.unmodifiableSortedMap(new TreeMap<>(targets));
    schedules = Collections.unmodifiableSortedMap(new TreeMap<>(schedules));
    files = Set.copyOf(files);
    warnings = List.copyOf(warnings);
  }

  /** The same with other volumes and targets. */
  public Configuration with(
      SortedMap<String, VolumeConfig> otherVolumes, SortedMap<String, TargetConfig> otherTargets) {
    return with(otherVolumes, devices, otherTargets);
  }

  private Configuration with(
      SortedMap<String, VolumeConfig> otherVolumes,
      SortedMap<String, DeviceConfig> otherDevices,
      SortedMap<String, TargetConfig> otherTargets) {
    return new Configuration(
        portals,
        stateDir,
        baseDir,
        imageDir,
        volumeDefaults,
        otherVolumes,
        otherDevices,
        locations,
        otherTargets,
        discovery,
        stores,
        writeCache,
        http,
        mergeGrace,
        hooks,
        schedules,
        limits,
        iscsi,
        log,
        controlGroup,
        files,
        warnings);
  }

  /** The same without some volumes and devices; LUNs that name them stay. */
  public Configuration withoutDevices(Set<String> names) {
    SortedMap<String, VolumeConfig> fewerVolumes = new TreeMap<>(volumes);
    SortedMap<String, DeviceConfig> fewerDevices = new TreeMap<>(devices);
    fewerVolumes.keySet().removeAll(names);
    fewerDevices.keySet().removeAll(names);
    return with(fewerVolumes, fewerDevices, targets);
  }
}
