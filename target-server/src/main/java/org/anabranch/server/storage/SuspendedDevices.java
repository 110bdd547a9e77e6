// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.block.dm.TableException;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.anabranch.server.state.Changes;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Devices that were suspended by hand and not resumed: their requests wait. The server itself
 * suspends devices for a moment, for a new snapshot for instance; during such a change only devices
 * that were suspended before it are reported. Any thread.
 */
public final class SuspendedDevices implements WarningSource {
  private static final Logger LOG = LoggerFactory.getLogger(SuspendedDevices.class);

  private final DeviceMapper mapper;
  private final Changes changes;

  /** As last seen between two changes. */
  private Set<String> suspended = Set.of(); // guarded by this

  public SuspendedDevices(DeviceMapper mapper, Changes changes) {
    this.mapper = mapper;
    this.changes = changes;
  }

  @Override
  public synchronized List<Warning> warnings() {
    Set<String> now = new TreeSet<>();
    if (changes.tryLock()) {
      try {
        now = look();
        suspended = now;
      } finally {
        changes.unlock();
      }
    } else {
      now = look();
      now.retainAll(suspended);
    }
    List<Warning> warnings = new ArrayList<>();
    for (String name : now) {
      warnings.add(
          new Warning(
              "device " + name,
              "it is suspended: requests to it and to what is made of it wait",
              "anabranch dm resume " + name));
    }
    return warnings;
  }

  /** Those with a live table: one that never had a table has no requests. */
  private Set<String> look() {
    Set<String> found = new TreeSet<>();
    for (String name : mapper.ls()) {
      try {
        var info = mapper.info(name);
        if (info.suspended() && info.live()) {
          found.add(name);
        }
      } catch (TableException e) {
        LOG.debug("{} is gone: not suspended", name);
      }
    }
    return found;
  }
}
