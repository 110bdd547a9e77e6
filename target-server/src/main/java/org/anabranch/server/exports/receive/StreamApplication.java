// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports.receive;

import java.io.IOException;
import org.anabranch.block.dm.OpenDevice;
import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.exports.ByteExtent;
import org.anabranch.server.exports.ChangedExtents;
import org.anabranch.server.exports.DeltaReader;
import org.anabranch.server.exports.DeviceReads;
import org.anabranch.server.exports.DeviceWrites;
import org.anabranch.server.exports.StreamHeader;
import org.anabranch.server.snapshots.Snapshots;
import org.anabranch.server.snapshots.device.Readers;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.storage.NotWholeException;
import org.anabranch.server.storage.Storage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes a stream to its volume, which was received whole, and takes the snapshot that says so.
 * When that cannot be done to its end, the volume is left out until a {@code volume retry} or a
 * start does it again. Any thread, which may wait.
 */
public final class StreamApplication {
  private static final Logger LOG = LoggerFactory.getLogger(StreamApplication.class);

  private final Storage storage;
  private final Snapshots snapshots;
  private final StreamFit fit;
  private final Stopping stopping;

  StreamApplication(Storage storage, Snapshots snapshots, StreamFit fit, Stopping stopping) {
    this.storage = storage;
    this.snapshots = snapshots;
    this.fit = fit;
    this.stopping = stopping;
  }

  /** Makes the volume what a stream says, which is decided; nobody can see it meanwhile. */
  VolumeImports.Imported applied(
      ReceivedStream stream, StreamHeader header, @Nullable String base, ImportReports reports)
      throws RefusedException {
    String volume = stream.volume();
    try {
      if (stream.makesVolume()) {
        snapshots.receiving(volume);
      }
      LOG.info("volume {}: becomes {}", volume, header);
      long changed = apply(stream, reports);
      SnapshotState taken = taken(stream, header);
      return new VolumeImports.Imported(taken, base, header.bytes(), changed, stream.makesVolume());
    } catch (IOException | RefusedException | RuntimeException e) {
      throw unfinished(volume, e);
    }
  }

  /** Makes the volume what the stream says; durable when this returns. */
  private long apply(ReceivedStream stream, ImportReports reports)
      throws IOException, RefusedException {
    OpenDevice open = storage.devices().holdSettled(stream.volume());
    long[] changed = new long[1];
    DeviceWrites writes = new DeviceWrites(open.device());
    try {
      stream.read(in -> {
        StreamHeader header = StreamHeader.read(in);
        StreamTarget target = new StreamTarget(open.device(), writes, header);
        restoreBase(stream.volume(), header, writes);
        new DeltaReader(in, header.bytes(), header.place())
            .read(
                reports::at,
                (record, data) -> {
                  stopping.refuse();
                  changed[0] += record.length();
                  target.take(record, data);
                });
        target.end();
        writes.finish();
      });
      return changed[0];
    } finally {
      writes.abandon();
      open.release();
    }
  }

  /** What was changed since the base is as it was then; with force, or when this is done again. */
  private void restoreBase(String volume, StreamHeader header, DeviceWrites writes)
      throws RefusedException {
    String point = header.facts().base();
    if (point == null) {
      return;
    }
    try (Readers.Reading base = snapshots.read(fit.base(header, volume, point).device())) {
      DeviceReads reads = new DeviceReads(base.device(), writes::write);
      try {
        ChangedExtents extents = new ChangedExtents(storage.mapper(), base.snapshot(), null, 0);
        for (ByteExtent extent = extents.next(); extent != null; extent = extents.next()) {
          stopping.refuse();
          reads.read(extent);
        }
        reads.finish();
        writes.finish();
      } catch (ClientGoneException e) {
        throw new IllegalStateException(e); // there is no client
      } finally {
        reads.abandon();
      }
    }
  }

  private SnapshotState taken(ReceivedStream stream, StreamHeader header) throws RefusedException {
    SnapshotState taken =
        snapshots.received(
            stream.volume(), stream.name(), header.facts().point(), header.facts().created());
    ReceivedStream.log(stream.delete(), "a stream is left that is applied", stream.volume());
    LOG.info("volume {}: is {} now", stream.volume(), taken.device());
    return taken;
  }

  /** It is in the middle: nobody is to see that. */
  private RefusedException unfinished(String volume, Exception reason) {
    if (stopping.hasBegun()) {
      return new RefusedException(
          "the server is stopping; the import of volume "
              + volume
              + " is completed when it runs again",
          reason);
    }
    NotWholeException lost = lost(volume, reason);
    LOG.error("{}", lost.getMessage());
    try {
      snapshots.receptionEnded(volume);
      snapshots.withdraw(volume, lost);
    } catch (RefusedException e) {
      lost.addSuppressed(e);
      LOG.error("volume {}: cannot be taken away: {}", volume, e.getMessage());
    }
    return lost;
  }

  private static NotWholeException lost(String volume, Exception reason) {
    return new NotWholeException(
        "volume " + volume,
        "an import was received and could not be written: " + reason.getMessage(),
        "put that right, then: anabranch volume retry "
            + volume
            + "; anabranch volume adopt "
            + volume
            + " gives the import up, and serves the volume half written",
        reason instanceof RefusedException refused
            ? refused
            : new RefusedException(String.valueOf(reason.getMessage()), reason));
  }

  /** Completes what a stop or a crash interrupted. */
  void complete(ReceivedStream stream, UnderWay underWay) throws RefusedException {
    String volume = stream.volume();
    if (!storage.devices().has(volume)) {
      LOG.warn("volume {}: it is not served; an import of it waits", volume);
      return;
    }
    try {
      StreamHeader[] header = new StreamHeader[1];
      stream.read(in -> header[0] = StreamHeader.read(in));
      boolean done =
          snapshots.list(volume).stream()
              .anyMatch(each ->
                  each.name().equals(stream.name())
                      && each.pointId().equals(header[0].facts().point()));
      if (done) {
        var _ = stream.delete();
        return;
      }
      LOG.info("volume {}: becomes {}, which was received before", volume, header[0]);
      var _ = apply(stream, new ImportReports(underWay, state -> {}, true, stream.bytes()));
      var _ = taken(stream, header[0]);
    } catch (IOException | RefusedException e) {
      snapshots.withdraw(volume, lost(volume, e));
    }
  }
}
