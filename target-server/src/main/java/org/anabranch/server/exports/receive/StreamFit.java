// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports.receive;

import java.util.List;
import java.util.stream.Collectors;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.dm.OpenDevice;
import org.anabranch.block.snapshot.SnapshotStatus;
import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.exports.DeviceReads;
import org.anabranch.server.exports.StreamHeader;
import org.anabranch.server.exports.Zeros;
import org.anabranch.server.snapshots.Snapshots;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.terminal.Sizes;
import org.jspecify.annotations.Nullable;

/**
 * Whether a stream can be imported into a volume: it has the volume's size and blocks, and the
 * volume is at the point that the stream begins at, or empty where the stream has everything. Any
 * thread, which may wait.
 */
public final class StreamFit {
  private final Storage storage;
  private final Snapshots snapshots;
  private final Stopping stopping;

  StreamFit(Storage storage, Snapshots snapshots, Stopping stopping) {
    this.storage = storage;
    this.snapshots = snapshots;
    this.stopping = stopping;
  }

  /** Refuses a stream that cannot make a volume. */
  static void refuseUnlessFull(StreamHeader header, String volume) throws RefusedException {
    if (header.facts().base() != null) {
      throw new RefusedException(
          "there is no volume "
              + volume
              + ", and the stream has only what changed since "
              + header.facts().baseSnapshot()
              + ": send all of it, without --since");
    }
  }

  /**
   * Refuses a stream that does not fit the volume.
   *
   * @return the snapshot of the point that it begins at; null when it has everything
   */
  @Nullable SnapshotState check(StreamHeader header, VolumeImports.Request request)
      throws RefusedException {
    String volume = request.volume();
    snapshots.refuseUnlessServed(volume);
    OpenDevice open = storage.devices().holdSettled(volume);
    try {
      checkDevice(header, volume, open.device());
      String point = header.facts().base();
      if (point == null) {
        if (!request.force()) {
          refuseUnlessEmpty(volume, open.device());
        }
        return null;
      }
      SnapshotState base = base(header, volume, point);
      SnapshotStatus status = snapshots.state(base);
      boolean valid = status != null && status.state() == SnapshotStatus.State.VALID;
      boolean unchanged = status != null && status.isEmpty();
      if (!valid || (!request.force() && !unchanged)) {
        throw new RefusedException(
            valid
                ? "volume "
                    + volume
                    + " was changed since "
                    + base.device()
                    + "; --force gives up these changes"
                : "snapshot " + base.device() + " has lost its contents; send a whole stream");
      }
      return base;
    } finally {
      open.release();
    }
  }

  private static void checkDevice(StreamHeader header, String volume, BlockDevice device)
      throws RefusedException {
    long bytes = device.sectors() * 512;
    if (bytes != header.bytes()) {
      throw new RefusedException(
          "volume "
              + volume
              + " has "
              + bytes
              + " bytes, and "
              + header
              + " has "
              + header.bytes()
              + " ("
              + Sizes.exact(header.bytes())
              + "); anabranch volume resize makes them equal");
    }
    int block = device.limits().logicalBlockSize();
    if (block != header.facts().blockSize()) {
      throw new RefusedException(
          "volume "
              + volume
              + " has blocks of "
              + block
              + " bytes, and "
              + header
              + " of "
              + header.facts().blockSize()
              + ": set block-size in its configuration");
    }
  }

  /** The snapshot of a volume that is of a point. */
  SnapshotState base(StreamHeader header, String volume, String point) throws RefusedException {
    List<SnapshotState> all = snapshots.list(volume);
    for (SnapshotState each : all) {
      if (each.pointId().equals(point) && each.phase() == Phase.READY) {
        if (each.sectors() * 512 != header.baseBytes()) {
          break;
        }
        return each;
      }
    }
    throw new RefusedException(
        "the stream has what changed since "
            + header.facts().baseSnapshot()
            + ", and volume "
            + volume
            + " has no snapshot of that point"
            + (all.isEmpty()
                ? "; it has no snapshots at all"
                : "; its snapshots are "
                    + all.stream().map(SnapshotState::device).collect(Collectors.joining(", ")))
            + ": send what changed since one that both have, or all of it, without --since");
  }

  /** Refuses a volume that does not read as zeros from end to end. */
  private void refuseUnlessEmpty(String volume, BlockDevice device) throws RefusedException {
    DeviceReads reads =
        new DeviceReads(
            device,
            (offset, data) -> {
              stopping.refuse();
              if (!Zeros.at(data, 0, data.limit())) {
                throw new RefusedException(
                    "volume " + volume + " is not empty; --force gives up what it has");
              }
            });
    try {
      reads.readAllocated();
    } catch (ClientGoneException e) {
      throw new IllegalStateException(e); // there is no client
    } finally {
      reads.abandon();
    }
  }
}
