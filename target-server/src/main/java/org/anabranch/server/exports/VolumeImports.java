// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports;

import java.io.IOException;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Phaser;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.dm.OpenDevice;
import org.anabranch.block.snapshot.SnapshotStatus;
import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.Progress;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.SnapshotName;
import org.anabranch.server.exports.DeltaFormat.DamagedException;
import org.anabranch.server.snapshots.Readers;
import org.anabranch.server.snapshots.Snapshots;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.anabranch.server.state.StateDirectory;
import org.anabranch.server.storage.NotWholeException;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.terminal.Sizes;
import org.anabranch.server.uses.User;
import org.anabranch.server.uses.Uses;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Imports of streams into volumes. Any thread, which may wait.
 *
 * <dl>
 *   <dt>What if the stream ends early, or is damaged, or its sender goes away?
 *   <dd>Nothing has changed: it is received into a file first ({@link ReceivedStream}), and every
 *       checksum is compared.
 *   <dt>What if the server is killed while the volume is written?
 *   <dd>The next start writes all of it again, before anybody can log in. So the volume is what it
 *       was, or what the stream says.
 *   <dt>How is it known that a volume is at the point that a stream begins at?
 *   <dd>It has a snapshot of that point, whose store is empty: nothing was written since.
 *   <dt>What if there is no such volume?
 *   <dd>A stream that has everything makes it, once all was received: see {@link NewVolumes}. The
 *       next start makes it if a crash comes first ({@link VolumesOfStreams}).
 *   <dt>Who can see the volume meanwhile?
 *   <dd>Nobody: an import is refused while somebody uses the volume, and logins that reach it wait
 *       while it is written.
 * </dl>
 */
public final class VolumeImports implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(VolumeImports.class);
  private static final long REPORT_NANOS = 100_000_000;
  private static final long LAST_WRITE_SECONDS = 10;

  private final Storage storage;
  private final Snapshots snapshots;
  private final Uses uses;
  private final Path folder;
  private final Set<String> receiving = ConcurrentHashMap.newKeySet();

  /** Each import under way is a party, and so is this object. */
  private final Phaser running = new Phaser(1);

  private volatile boolean closing;

  /**
   * @param folder the state directory
   */
  public VolumeImports(Storage storage, Snapshots snapshots, Uses uses, Path folder) {
    this.storage = storage;
    this.snapshots = snapshots;
    this.uses = uses;
    this.folder = folder;
  }

  /**
   * What is to be imported.
   *
   * @param volume that becomes what the stream says
   * @param name of the snapshot that is taken then; null: its name where it comes from
   * @param force also when the volume was changed since the point that the stream begins at, or is
   *     not empty: what it has is lost
   */
  public record Request(String volume, @Nullable String name, boolean force) {}

  /**
   * How far an import is.
   *
   * @param applying whether all was received, and the volume is being written
   * @param done bytes of the stream that were received, or written
   * @param total bytes of the stream; 0 while it is not known
   */
  public record State(boolean applying, long done, long total) {}

  /**
   * What has become of it.
   *
   * @param snapshot that was taken
   * @param base that the stream began at; null when it had everything
   * @param bytes how long the volume is
   * @param changed bytes that the stream was about
   * @param made whether there was no such volume before
   */
  public record Imported(
      SnapshotState snapshot, @Nullable String base, long bytes, long changed, boolean made) {}

  /**
   * Imports a stream.
   *
   * @param in the stream; read to its end
   * @param volumes makes the volume if there is none
   * @throws RefusedException also when whoever sends it is gone before its end; nothing has changed
   */
  public Imported run(
      Request request, ReadableByteChannel in, NewVolumes volumes, Progress<State> progress)
      throws RefusedException {
    running.register();
    try {
      refuseAtTheEnd();
      if (!receiving.add(request.volume())) {
        throw new RefusedException(
            "another stream for volume " + request.volume() + " is being received");
      }
      try {
        return receive(request, in, volumes, progress);
      } finally {
        receiving.remove(request.volume());
      }
    } catch (DamagedException e) {
      throw new RefusedException("the stream: " + e.getMessage() + "; nothing was changed", e);
    } catch (ClientGoneException e) {
      throw cutOff(e);
    } catch (IOException e) {
      if (e.getCause() instanceof ClientGoneException gone) {
        throw cutOff(gone);
      }
      throw new RefusedException(StateDirectory.reason(e) + "; nothing was changed", e);
    } finally {
      running.arriveAndDeregister();
    }
  }

  private static RefusedException cutOff(ClientGoneException gone) {
    return new RefusedException(
        "the stream was cut off: its sender is gone, or the server is stopping; nothing was changed",
        gone);
  }

  private Imported receive(
      Request request, ReadableByteChannel in, NewVolumes volumes, Progress<State> progress)
      throws IOException, RefusedException, ClientGoneException {
    String volume = request.volume();
    progress.report(new State(false, 0, 0));
    StreamHeader header = StreamHeader.read(in);
    String name = request.name() == null ? header.facts().snapshot() : request.name();
    boolean makesVolume = !volumes.hasVolume(volume);
    if (makesVolume) {
      refuseUnlessFull(header, volume);
      SnapshotName.check(name);
      volumes.prepare(volume, header.bytes(), header.facts().blockSize());
    } else {
      snapshots.refuseUnlessFree(volume, name);
      check(header, request);
    }
    claim(volume).close();
    ReceivedStream stream = ReceivedStream.of(folder, volume, name, makesVolume);
    try {
      long length = received(stream, header, in, progress);
      Reports applying = new Reports(progress, true, length);
      try (Claim _ = claim(volume)) {
        if (!makesVolume) {
          snapshots.receiving(volume);
        }
        try (Held held = held(makesVolume ? null : check(header, request))) {
          decide(stream, header, volumes);
          return applied(stream, header, held, applying);
        }
      } finally {
        snapshots.receptionEnded(volume);
      }
    } catch (Reports.GoneException e) {
      throw e.gone();
    } finally {
      deleted(stream.deletePart(), "a part of a stream is left", volume);
    }
  }

  /** Receives all of a stream, and returns how long it is. */
  private long received(
      ReceivedStream stream, StreamHeader header, ReadableByteChannel in, Progress<State> progress)
      throws IOException, RefusedException {
    long[] length = new long[1];
    Reports reports = new Reports(progress, false, 0);
    stream.receive(
        header.bytesOfHeader(),
        in,
        source ->
            new DeltaReader(source, header.bytes(), header.place())
                .read(
                    read -> {
                      length[0] = read;
                      reports.at(read);
                    },
                    (record, data) -> refuseAtTheEnd()));
    return length[0];
  }

  private static void refuseUnlessFull(StreamHeader header, String volume) throws RefusedException {
    if (header.facts().base() != null) {
      throw new RefusedException(
          "there is no volume "
              + volume
              + ", and the stream has only what changed since "
              + header.facts().baseSnapshot()
              + ": send all of it, without --since");
    }
  }

  /** From here on the volume becomes what the stream says; there is one when this returns. */
  private static void decide(ReceivedStream stream, StreamHeader header, NewVolumes volumes)
      throws IOException, RefusedException {
    String volume = stream.volume();
    int blockSize = header.facts().blockSize();
    if (stream.makesVolume()) {
      volumes.prepare(volume, header.bytes(), blockSize);
    }
    stream.decide();
    if (!stream.makesVolume()) {
      return;
    }
    try {
      volumes.make(volume, header.bytes(), blockSize);
    } catch (RefusedException | RuntimeException e) {
      if (volumes.hasVolume(volume)) {
        LOG.error("volume {}: the next start makes it what was received", volume);
      } else {
        deleted(stream.delete(), "a stream is left, and the next start makes it", volume);
      }
      throw e;
    }
  }

  private Imported applied(ReceivedStream stream, StreamHeader header, Held held, Reports reports)
      throws RefusedException {
    String volume = stream.volume();
    try {
      if (stream.makesVolume()) {
        snapshots.receiving(volume);
      }
      LOG.info("volume {}: becomes {}", volume, header);
      long changed = apply(stream, reports);
      SnapshotState taken = taken(stream, header);
      return new Imported(taken, held.device(), header.bytes(), changed, stream.makesVolume());
    } catch (IOException | RefusedException | RuntimeException e) {
      throw unfinished(volume, e);
    }
  }

  private static void deleted(@Nullable IOException failure, String what, String volume) {
    if (failure != null) {
      LOG.error("volume {}: {}: {}", volume, what, failure.toString());
    }
  }

  /** The base of a stream, which cannot go meanwhile. */
  private record Held(Readers.@Nullable Reading base) implements AutoCloseable {
    /** Its name. */
    @Nullable String device() {
      return base == null ? null : base.snapshot().device();
    }

    @Override
    public void close() {
      if (base != null) {
        base.close();
      }
    }
  }

  private Held held(@Nullable SnapshotState base) throws RefusedException {
    return new Held(base == null ? null : snapshots.read(base.device()));
  }

  /** Holds back logins to a volume that nobody uses. */
  private interface Claim extends AutoCloseable {
    @Override
    void close();
  }

  private Claim claim(String volume) throws RefusedException {
    Set<String> devices = Set.of(volume);
    if (!uses.claim(devices, null)) {
      throw new RefusedException(
          "volume "
              + volume
              + " is in use by "
              + uses.of(devices).stream().map(User::toString).collect(Collectors.joining("; "))
              + ": log out there, or take the LUN out of its target");
    }
    return () -> uses.release(devices);
  }

  /**
   * Refuses a stream that does not fit the volume.
   *
   * @return the snapshot of the point that it begins at; null when it has everything
   */
  private @Nullable SnapshotState check(StreamHeader header, Request request)
      throws RefusedException {
    String volume = request.volume();
    snapshots.refuseUnlessServed(volume);
    OpenDevice open = storage.devices().hold(volume);
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

  private SnapshotState base(StreamHeader header, String volume, String point)
      throws RefusedException {
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
              refuseAtTheEnd();
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

  /** Makes the volume what the stream says; durable when this returns. */
  private long apply(ReceivedStream stream, Reports reports) throws IOException, RefusedException {
    OpenDevice open = storage.devices().hold(stream.volume());
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
                  refuseAtTheEnd();
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
    try (Readers.Reading base = snapshots.read(base(header, volume, point).device())) {
      DeviceReads reads = new DeviceReads(base.device(), writes::write);
      try {
        ChangedExtents extents = new ChangedExtents(storage.mapper(), base.snapshot(), null, 0);
        for (ByteExtent extent = extents.next(); extent != null; extent = extents.next()) {
          refuseAtTheEnd();
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
    deleted(stream.delete(), "a stream is left that is applied", stream.volume());
    LOG.info("volume {}: is {} now", stream.volume(), taken.device());
    return taken;
  }

  /** It is in the middle: nobody is to see that. */
  private RefusedException unfinished(String volume, Exception reason) {
    if (closing) {
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
        "put that right, then: anabranch volume retry " + volume,
        reason instanceof RefusedException refused
            ? refused
            : new RefusedException(String.valueOf(reason.getMessage()), reason));
  }

  /**
   * Completes what a stop or a crash interrupted. Nobody uses the volumes yet, and all their
   * snapshots are there.
   */
  public void complete() throws RefusedException {
    for (ReceivedStream stream : ReceivedStream.left(folder)) {
      complete(stream);
    }
  }

  /** The same for a volume that was left out, by its turn. */
  public void complete(String volume) throws RefusedException {
    for (ReceivedStream stream : ReceivedStream.left(folder)) {
      if (stream.volume().equals(volume)) {
        complete(stream);
      }
    }
  }

  private void complete(ReceivedStream stream) throws RefusedException {
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
      var _ = apply(stream, new Reports(state -> {}, true, 0));
      var _ = taken(stream, header[0]);
    } catch (IOException | RefusedException e) {
      snapshots.withdraw(volume, lost(volume, e));
    }
  }

  /**
   * A volume is gone, and with it what was received for it.
   *
   * @throws RefusedException when a file cannot be deleted
   */
  public void forget(String volume) throws RefusedException {
    for (ReceivedStream stream : ReceivedStream.left(folder)) {
      if (stream.volume().equals(volume)) {
        deleted(stream.delete(), "a stream is left", volume);
      }
    }
  }

  /** Refuses to take away or to rename a volume while a stream for it is received or written. */
  public void refuseWhileReceiving(String volume) throws RefusedException {
    if (receiving.contains(volume)) {
      throw new RefusedException(
          "a stream for volume " + volume + " is being received; wait for its end");
    }
  }

  private void refuseAtTheEnd() throws RefusedException {
    if (closing) {
      throw new RefusedException("the server is stopping");
    }
  }

  /** Reports progress from where nothing but input and output may fail. */
  private static final class Reports {
    private final Progress<State> progress;
    private final boolean applying;
    private final long total;
    private long reported = System.nanoTime() - REPORT_NANOS;
    private boolean gone;

    Reports(Progress<State> progress, boolean applying, long total) {
      this.progress = progress;
      this.applying = applying;
      this.total = total;
    }

    /** The client is gone. */
    static final class GoneException extends RuntimeException {
      private static final long serialVersionUID = 1L;

      GoneException(ClientGoneException cause) {
        super(cause);
      }

      ClientGoneException gone() {
        return new ClientGoneException(this);
      }
    }

    /** While it is applied, it goes on without a client. */
    void at(long done) {
      if (gone || System.nanoTime() - reported < REPORT_NANOS) {
        return;
      }
      reported = System.nanoTime();
      try {
        progress.report(new State(applying, done, total));
      } catch (ClientGoneException e) {
        if (!applying) {
          throw new GoneException(e);
        }
        gone = true;
      }
    }
  }

  /** Asks the imports under way to end, and refuses new ones. */
  public void stop() {
    closing = true;
  }

  /** Waits for their end. One whose device does not answer is abandoned. */
  @Override
  public void close() {
    stop();
    try {
      running.awaitAdvanceInterruptibly(running.arrive(), LAST_WRITE_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      LOG.error("an import waits for a device that does not answer; the next start completes it");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
