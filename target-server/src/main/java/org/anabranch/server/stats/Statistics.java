// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.stats;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Supplier;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.count.Counts;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.block.dm.MappedDevice;
import org.anabranch.block.dm.TableException;
import org.anabranch.iscsi.server.IscsiServer;
import org.anabranch.iscsi.session.SessionInfo;
import org.anabranch.scsi.unit.LogicalUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Everything in a server that counts. Any thread. */
public final class Statistics {
  private static final Logger LOG = LoggerFactory.getLogger(Statistics.class);

  private final long begun = System.nanoTime();
  private final DeviceMapper mapper;
  private final Function<BlockDevice, @Nullable LogicalUnit> units;
  private final Supplier<@Nullable IscsiServer> iscsi;

  /**
   * @param units the unit that shows a device; null if none does
   * @param iscsi null before it runs
   */
  public Statistics(
      DeviceMapper mapper,
      Function<BlockDevice, @Nullable LogicalUnit> units,
      Supplier<@Nullable IscsiServer> iscsi) {
    this.mapper = mapper;
    this.units = units;
    this.iscsi = iscsi;
  }

  /** Nanoseconds since the server began: the clock of what is counted. */
  public long nanos() {
    return System.nanoTime() - begun;
  }

  /** The mapped devices that there are now, by name. */
  public Map<String, MappedDevice> devices() {
    Map<String, MappedDevice> devices = new TreeMap<>();
    for (String name : mapper.ls()) {
      try {
        devices.put(name, mapper.device(name));
      } catch (TableException e) {
        LOG.debug("{} is gone already: {}", name, e.getMessage());
      }
    }
    return devices;
  }

  /** The logical unit that shows a device; null if no LUN does. */
  public @Nullable LogicalUnit unit(MappedDevice device) {
    return units.apply(device);
  }

  /** The sessions that are logged in. */
  public List<SessionInfo> sessions() {
    IscsiServer running = iscsi.get();
    return running == null ? List.of() : running.sessionInfos();
  }

  /** All that counts: the server, sessions, logical units, mapped devices, files. */
  public List<Subject> subjects() {
    List<Subject> subjects = new ArrayList<>();
    IscsiServer running = iscsi.get();
    if (running != null) {
      subjects.add(new Subject(Subject.Kind.SERVER, "", running.counts()));
    }
    for (SessionInfo session : sessions()) {
      subjects.add(
          new Subject(Subject.Kind.SESSION, Integer.toString(session.tsih()), session.counts()));
    }
    List<Subject> below = new ArrayList<>();
    List<Subject> files = new ArrayList<>();
    Set<BlockDevice> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    devices()
        .forEach((name, device) -> {
          LogicalUnit unit = units.apply(device);
          if (unit != null) {
            subjects.add(new Subject(Subject.Kind.UNIT, name, unit.counts()));
          }
          below.add(new Subject(Subject.Kind.DEVICE, name, device.counts()));
          for (BlockDevice storage : device.dependsOn()) {
            Counts counts = storage instanceof BackingDevice file ? file.counts() : null;
            if (counts != null && seen.add(storage)) {
              files.add(new Subject(Subject.Kind.FILE, storage.name(), counts));
            }
          }
        });
    subjects.addAll(below);
    subjects.addAll(files);
    return subjects;
  }
}
