// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.admin;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.anabranch.scsi.reservation.Reservations;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.anabranch.server.state.PortNumbers;
import org.anabranch.server.state.ReservationFiles;
import org.anabranch.server.storage.Stages;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.storage.shared.ImageReservations;
import org.anabranch.server.storage.shared.SharedImage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where persistent reservations are kept.
 *
 * <pre>
 *   disk of this server alone      with APTPL = 1, in the state directory
 *   volume that several can serve, and its snapshots    with the volume's image, always; a server
 *       reads them when it gets the volume, before it is active. Until it has read them, nobody
 *       reads or writes the disk
 * </pre>
 *
 * Any thread.
 */
public final class UnitReservations implements WarningSource {
  private static final Logger LOG = LoggerFactory.getLogger(UnitReservations.class);

  /** Those that servers share. */
  private record Shared(String volume, String disk, Reservations reservations) {}

  private final Storage storage;
  private final ReservationFiles files;
  private final PortNumbers ports;

  /** By disk. */
  private final Map<String, Shared> shared = new ConcurrentHashMap<>();

  /**
   * Those that this server has kept are read when a unit is made.
   *
   * @param files where it keeps those of disks that it alone has
   */
  public UnitReservations(Storage storage, ReservationFiles files, PortNumbers ports) {
    this.storage = storage;
    this.files = files;
    this.ports = ports;
  }

  /**
   * Those of a unit that is made. May block.
   *
   * @param volume the volume, or the one that the snapshot is of
   * @param disk the key of the unit's state
   * @param before the keys that it had in an earlier version, by target port
   * @throws IOException when those that this server keeps alone cannot be read
   */
  Reservations of(String volume, String disk, SortedMap<Integer, String> before)
      throws IOException {
    files.takeOver(disk, before);
    SharedImage image = storage.shared(volume) == null ? null : storage.sharedImage(volume);
    if (image == null) {
      return new Reservations(disk, files);
    }
    Reservations its = new Reservations(disk, new ImageReservations(image, disk, ports));
    Shared made = new Shared(volume, disk, its);
    shared.put(disk, made); // before the look: a server that gets the volume now looks there, too
    if (image.isHere()) {
      try {
        read(made);
      } catch (RefusedException e) {
        LOG.error("{}; until they can be read, nobody may read or write", e.getMessage());
      }
    }
    return its;
  }

  /**
   * This server gets a volume, or is about to: reads what other servers have changed.
   *
   * @throws RefusedException when that cannot be read
   */
  void arrive(String volume) throws RefusedException {
    for (Shared each : shared.values()) {
      if (each.volume.equals(volume)) {
        read(each);
      }
    }
  }

  /**
   * Persistent reservations whose disk is not served any more are kept, and the log says so.
   *
   * @param served the disks that LUNs show
   */
  void reportStrays(Set<String> served) {
    try {
      for (String disk : new TreeSet<>(files.units())) {
        if (!served.contains(disk)) {
          LOG.warn(
              "persistent reservations of disk {} are kept, but no LUN shows it: its volume is not"
                  + " configured, or waits for a snapshot, or has become another disk",
              disk);
        }
      }
    } catch (IOException e) {
      LOG.warn("the persistent reservations cannot be listed: {}", e.toString());
    }
  }

  private void read(Shared its) throws RefusedException {
    SharedImage image = storage.sharedImage(its.volume);
    String kept;
    try {
      kept = image != null && image.isHere() ? files.load(its.disk) : null;
    } catch (IOException e) {
      throw new RefusedException("volume " + its.volume + ": " + e.getMessage(), e);
    }
    Stages.<@Nullable Void>await("volume " + its.volume, its.reservations.arrive(kept));
    if (kept != null) {
      files.save(
          its.disk,
          null,
          failure -> {
            if (failure == null) {
              LOG.info(
                  "volume {}: its persistent reservations are kept with its image from now on",
                  its.volume);
            } else {
              LOG.warn(
                  "volume {}: its persistent reservations are kept with its image, and those that"
                      + " this server kept before cannot be deleted: {}",
                  its.volume,
                  failure.toString());
            }
          });
    }
  }

  /** Disks that nobody may use since it is not known who has reserved them; looks again. */
  @Override
  public List<Warning> warnings() {
    List<Warning> warnings = new ArrayList<>();
    for (Shared each : shared.values()) {
      SharedImage image = storage.sharedImage(each.volume);
      String reason = each.reservations.unknown();
      if (reason != null && image != null && image.isHere()) {
        warnings.add(
            new Warning(
                "volume " + each.volume,
                "hosts cannot read or write disk " + each.disk + ": " + reason,
                "they can within seconds after that is put right"));
        var _ = each.reservations.arrive(null);
      }
    }
    return warnings;
  }
}
