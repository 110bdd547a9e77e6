// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots.device;

import java.util.List;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.block.dm.MappedDevice;
import org.anabranch.block.dm.OpenDevice;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.dm.TableLine;
import org.anabranch.block.dm.TableSpec;
import org.anabranch.block.dm.TargetSpec;
import org.anabranch.block.snapshot.MergeSpec;
import org.anabranch.block.snapshot.OriginSpec;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.storage.Storage;

/**
 * What a volume's device must be before its snapshots may change. {@code dm} can give it any table:
 * over another one, a snapshot would follow every write, or a merge would undo what somebody else
 * did. Any thread.
 */
public final class VolumeTable {
  private VolumeTable() {}

  /**
   * Refuses a volume whose device is suspended, has a table that waits for a resume, or has a live
   * table that is not the server's own. Waits until it has all acknowledged writes, see {@link
   * org.anabranch.server.storage.MappedDevices#settle}.
   */
  public static void refuseForeign(Storage storage, VolumeConfig volume) throws RefusedException {
    String name = volume.name();
    try {
      MappedDevice device = storage.mapper().device(name);
      TableSpec live = device.table();
      if (device.loadedTable() != null) {
        throw new RefusedException(
            "volume "
                + name
                + " has a table that was loaded and is not live yet: dm clear "
                + name
                + " takes it away");
      }
      if (live == null || !isOurs(live) || !isOn(storage, volume, device)) {
        throw new RefusedException(
            "volume "
                + name
                + " has another live table than the server's own: "
                + remedy(storage, volume));
      }
      if (device.suspended()) {
        throw new RefusedException(
            "volume "
                + name
                + " is suspended, and would be resumed: dm resume "
                + name
                + " first; snapshot create takes several volumes at one instant");
      }
      storage.devices().settle(name);
    } catch (TableException e) {
      throw new RefusedException("volume " + name + ": " + e.getMessage(), e);
    }
  }

  /**
   * Whether a volume's live table is not the server's own, so that its snapshots do not hold what
   * it had.
   */
  public static boolean isForeign(Storage storage, VolumeConfig volume) {
    try {
      MappedDevice device = storage.mapper().device(volume.name());
      TableSpec live = device.table();
      return live == null || !isOurs(live) || !isOn(storage, volume, device);
    } catch (TableException e) {
      return false; // there is no such device, or its file cannot be opened: others warn of that
    }
  }

  /** How to give a volume the server's own table again, in commands. */
  public static String remedy(Storage storage, VolumeConfig volume) {
    String name = volume.name();
    String length;
    try {
      length = String.valueOf(storage.mapper().device(name).sectors());
    } catch (TableException e) {
      length = "SECTORS";
    }
    return "load \"0 "
        + length
        + " snapshot-origin "
        + TableLine.quote(volume.source().address())
        + "\" with dm load "
        + name
        + ", and dm resume "
        + name;
  }

  /** An origin, or a merge with perhaps an origin behind it. */
  private static boolean isOurs(TableSpec live) {
    List<TargetSpec> targets = live.rows().stream().map(TableSpec.Row::target).toList();
    boolean merges = targets.getFirst() instanceof MergeSpec;
    boolean endsAsOrigin = targets.getLast() instanceof OriginSpec;
    return switch (targets.size()) {
      case 1 -> merges || endsAsOrigin;
      case 2 -> merges && endsAsOrigin;
      default -> false;
    };
  }

  /** Whether it stands on the volume's file. */
  private static boolean isOn(Storage storage, VolumeConfig volume, MappedDevice device)
      throws TableException {
    OpenDevice file = storage.mapper().open(new DeviceRef.AtPath(volume.source().address()));
    try {
      return device.dependsOn().contains(file.device());
    } finally {
      file.release();
    }
  }
}
