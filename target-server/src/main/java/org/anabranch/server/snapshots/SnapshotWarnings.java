// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.snapshot.MergeHandle;
import org.anabranch.block.snapshot.SnapshotStatus;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.anabranch.server.snapshots.device.SnapshotDevices;
import org.anabranch.server.snapshots.device.SnapshotRegistry;
import org.anabranch.server.snapshots.device.VolumeTable;
import org.anabranch.server.snapshots.merge.MergeWait;
import org.anabranch.server.snapshots.merge.Merges;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.uses.User;
import org.jspecify.annotations.Nullable;

/**
 * Snapshots that have lost their contents or are about to, and merges that do not go on. Any
 * thread.
 *
 * <pre>
 *   status         of a snapshot                       of a volume that is rolled back
 *   Invalid        its contents are lost               the rollback cannot be completed
 *   Overflow       writes to it fail                   -
 *   Merge failed   -                                   the rollback waits for resume
 * </pre>
 */
final class SnapshotWarnings implements WarningSource {
  private final SnapshotRegistry registry;
  private final LiveConfiguration live;
  private final SnapshotDevices devices;
  private final Storage storage;
  private final Merges merges;

  /**
   * @param live the volumes that are served
   * @param merges what they wait for, and what keeps them from their end
   */
  SnapshotWarnings(
      SnapshotRegistry registry,
      LiveConfiguration live,
      SnapshotDevices devices,
      Storage storage,
      Merges merges) {
    this.merges = merges;
    this.registry = registry;
    this.live = live;
    this.devices = devices;
    this.storage = storage;
  }

  @Override
  public List<Warning> warnings() {
    List<Warning> warnings = new ArrayList<>();
    for (SnapshotState snapshot : registry.all()) {
      Warning warning = warning(snapshot);
      if (warning != null) {
        warnings.add(warning);
      }
    }
    return warnings;
  }

  private @Nullable Warning warning(SnapshotState snapshot) {
    String name = snapshot.device();
    if (storage.leftOut().get(snapshot.volume()) != null) {
      return null; // the warning of the volume says why, and what to do
    }
    VolumeConfig volume = live.served(snapshot.volume());
    if (volume == null) {
      return new Warning(
          "snapshot " + name,
          "its volume " + snapshot.volume() + " is not configured, so it is not served",
          "configure the volume again with the file "
              + snapshot.origin()
              + " and restart the server");
    }
    String unrecorded = merges.unrecordedEnd(name);
    if (unrecorded != null) {
      return new Warning(
          "volume " + snapshot.volume(),
          "it is rolled back to " + name + ", but that cannot be recorded: " + unrecorded,
          "mend that; it is tried again each second");
    }
    if (snapshot.phase() == Phase.MERGING) {
      Warning merging = merging(snapshot);
      return merging == null && snapshot.keeps() ? contents(snapshot) : merging;
    }
    if (VolumeTable.isForeign(storage, volume)) {
      return new Warning(
          "snapshot " + name,
          "volume "
              + snapshot.volume()
              + " has another live table than the server's own: what is written meanwhile changes"
              + " the snapshot, too",
          VolumeTable.remedy(storage, volume)
              + "; do not trust the snapshot any more: anabranch snapshot remove "
              + name);
    }
    if (snapshot.phase() == Phase.WAITING) {
      Warning waiting = waiting(snapshot, merges.waits(snapshot));
      if (waiting != null) {
        return waiting;
      }
    }
    return contents(snapshot);
  }

  private @Nullable Warning contents(SnapshotState snapshot) {
    String name = snapshot.device();
    SnapshotStatus status = devices.state(snapshot);
    return status == null
        ? null
        : switch (status.state()) {
          case INVALID ->
              new Warning(
                  "snapshot " + name,
                  "it is invalid: its contents are lost and reads of it fail; the volume is not"
                      + " affected",
                  "anabranch snapshot remove " + name);
          case OVERFLOWED ->
              new Warning(
                  "snapshot " + name,
                  "its store is full: writes to the snapshot fail, and the next change of the"
                      + " volume makes it invalid",
                  "export what is needed of it, then anabranch snapshot remove " + name);
          case MERGE_FAILED, AWAITING_HANDOVER, VALID -> null;
        };
  }

  private static @Nullable Warning waiting(SnapshotState snapshot, MergeWait wait) {
    if (wait.users().isEmpty()) {
      return null;
    }
    String users = String.join("; ", wait.users().stream().map(User::toString).toList());
    if (wait.onNextLoginUntil() != null) {
      return new Warning(
          "snapshot " + snapshot.device(),
          "the rollback to it begins at the next login, until "
              + wait.onNextLoginUntil().truncatedTo(ChronoUnit.SECONDS)
              + ": "
              + users,
          "reboot that host now, or cancel the rollback: anabranch snapshot merge --cancel "
              + snapshot.device());
    }
    boolean unknown = wait.users().stream().anyMatch(User::isUnknown);
    return new Warning(
        "snapshot " + snapshot.device(),
        "the rollback to it waits for a logout: "
            + users
            + (wait.restarted() ? "; it does not begin at the next login since a restart" : ""),
        "shut a virtual machine down and start it again, reboot a host with --on-next-login, or"
            + " anabranch snapshot merge --assume-gone "
            + (unknown ? User.UNKNOWN : "INITIATOR")
            + " "
            + snapshot.device());
  }

  /** Of a merge, as the volume's live table has it. */
  private @Nullable Warning merging(SnapshotState snapshot) {
    String volume = snapshot.volume();
    MergeHandle merge = devices.merge(volume);
    if (merge == null) {
      return null; // there is no such device, or it has another table: the volume's own warning
    }
    return switch (merge.progress().state()) {
      case INVALID ->
          new Warning(
              "volume " + volume,
              "its rollback to "
                  + snapshot.device()
                  + " cannot be completed: the snapshot is invalid, and the volume is rolled back"
                  + " in part",
              "anabranch snapshot remove --force "
                  + snapshot.device()
                  + ", then restore the volume from a backup");
      case FAILED ->
          new Warning(
              "volume " + volume,
              "its rollback to " + snapshot.device() + " stopped at an error; the log has it",
              "mend what failed, then anabranch snapshot resume " + snapshot.device());
      default -> null;
    };
  }
}
