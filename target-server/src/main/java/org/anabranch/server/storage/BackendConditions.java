// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.anabranch.block.BackingDevice;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;

/**
 * Devices that have become read-only because a sync failed, that do not answer or were taken over
 * by somebody else, and what the backends say of the space for sparse ones. It asks the file
 * systems, and so may wait as long as they do. Any thread.
 */
public final class BackendConditions implements WarningSource {
  private final OpenFiles open;
  private final Backends backends;
  private final Predicate<String> isStore;
  private final LongSupplier warnBelow;

  /**
   * @param isStore whether an address is the store of a snapshot: its space is watched elsewhere
   * @param warnBelow the bytes that must be free
   */
  public BackendConditions(
      OpenFiles open, Backends backends, Predicate<String> isStore, LongSupplier warnBelow) {
    this.open = open;
    this.backends = backends;
    this.isStore = isStore;
    this.warnBelow = warnBelow;
  }

  @Override
  public List<Warning> warnings() {
    List<Warning> warnings = new ArrayList<>();
    Map<VolumeBackend, Map<String, BackingDevice>> sparse = new LinkedHashMap<>();
    open.all()
        .forEach((address, device) -> {
          VolumeBackend backend = backends.of(address);
          String failure = device.failure();
          if (failure != null) {
            warnings.add(
                new Warning(
                    backend.subject(address),
                    "it is read-only since a sync failed, and writes before that may be lost: "
                        + failure,
                    "check the disk below it, then restart the server and check what is in the"
                        + " volume"));
          }
          String departure = device.departure();
          if (departure != null) {
            warnings.add(
                new Warning(
                    backend.subject(address),
                    departure,
                    "see which server has it now; to serve it from here again, stop that one and"
                        + " restart this server"));
          }
          String failedWrites = failure == null ? device.failedWrites() : null;
          if (failedWrites != null) {
            warnings.add(
                new Warning(
                    backend.subject(address),
                    failedWrites,
                    "check the disk below it and its free space; this warning ends when what failed"
                        + " has been written after all, and with anabranch volume retry"));
          }
          String interruption = device.interruption();
          if (interruption != null) {
            warnings.add(
                new Warning(
                    backend.subject(address),
                    interruption,
                    "start its server again, or repair the network; the rest happens by itself"));
          } else if (failure == null && !isStore.test(address) && device.isSparse()) {
            sparse.computeIfAbsent(backend, each -> new TreeMap<>()).put(address, device);
          }
        });
    sparse.forEach((backend, devices) ->
        warnings.addAll(backend.spaceWarnings(devices, warnBelow.getAsLong())));
    return warnings;
  }
}
