// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports.receive;

import java.io.IOException;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Phaser;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.Progress;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.SnapshotName;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.anabranch.server.exports.DeltaFormat.DamagedException;
import org.anabranch.server.exports.DeltaReader;
import org.anabranch.server.exports.StreamHeader;
import org.anabranch.server.snapshots.Snapshots;
import org.anabranch.server.snapshots.device.Readers;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.StateDirectory;
import org.anabranch.server.storage.Storage;
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
public final class VolumeImports implements WarningSource, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(VolumeImports.class);
  private static final long LAST_WRITE_SECONDS = 10;

  private final Snapshots snapshots;
  private final Uses uses;
  private final Path folder;
  private final Supplier<Set<String>> configured;
  private final LeftStreams left;

  /** Imports under way, by volume. */
  private final ConcurrentSkipListMap<String, UnderWay> underWay = new ConcurrentSkipListMap<>();

  /** Each import under way is a party, and so is this object. */
  private final Phaser running = new Phaser(1);

  private final Stopping stopping = new Stopping();
  private final StreamFit fit;
  private final StreamApplication application;

  /**
   * @param folder the state directory
   * @param configured the volumes that are configured, or were made at run time
   */
  public VolumeImports(
      Storage storage,
      Snapshots snapshots,
      Uses uses,
      Path folder,
      Supplier<Set<String>> configured) {
    this.configured = configured;
    this.snapshots = snapshots;
    this.uses = uses;
    this.folder = folder;
    this.left = new LeftStreams(folder);
    this.fit = new StreamFit(storage, snapshots, stopping);
    this.application = new StreamApplication(storage, snapshots, fit, stopping);
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
      stopping.refuse();
      UnderWay begun = new UnderWay(request.volume());
      if (underWay.putIfAbsent(request.volume(), begun) != null) {
        throw new RefusedException(
            "another stream for volume " + request.volume() + " is being received");
      }
      try {
        return receive(request, in, volumes, begun, progress);
      } finally {
        underWay.remove(request.volume(), begun);
      }
    } catch (DamagedException e) {
      throw new RefusedException(
          "the stream: " + e.getMessage() + "; nothing was changed, so send it again", e);
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
        "the stream was cut off: its sender is gone, or the server is stopping; nothing was changed, so"
            + " send it again",
        gone);
  }

  private Imported receive(
      Request request,
      ReadableByteChannel in,
      NewVolumes volumes,
      UnderWay begun,
      Progress<State> progress)
      throws IOException, RefusedException, ClientGoneException {
    String volume = request.volume();
    progress.report(new State(false, 0, 0));
    StreamHeader header = StreamHeader.read(in);
    String name = request.name() == null ? header.facts().snapshot() : request.name();
    begun.snapshot(name);
    boolean makesVolume = !volumes.hasVolume(volume);
    if (makesVolume) {
      StreamFit.refuseUnlessFull(header, volume);
      left.refuse(volume);
      SnapshotName.check(name);
      volumes.prepare(volume, header.bytes(), header.facts().blockSize());
    } else {
      snapshots.refuseUnlessFree(volume, name);
      fit.check(header, request);
    }
    claim(volume).close();
    ReceivedStream stream = ReceivedStream.of(folder, volume, name, makesVolume);
    try {
      long length = received(stream, header, in, begun, progress);
      ImportReports applying = new ImportReports(begun, progress, true, length);
      try (Claim _ = claim(volume)) {
        if (!makesVolume) {
          snapshots.receiving(volume);
        }
        try (Held held = held(makesVolume ? null : fit.check(header, request))) {
          decide(stream, header, volumes);
          return application.applied(stream, header, held.device(), applying);
        }
      } finally {
        snapshots.receptionEnded(volume);
      }
    } catch (ImportReports.GoneException e) {
      throw e.gone();
    } finally {
      ReceivedStream.log(stream.deletePart(), "a part of a stream is left", volume);
    }
  }

  /** Receives all of a stream, and returns how long it is. */
  private long received(
      ReceivedStream stream,
      StreamHeader header,
      ReadableByteChannel in,
      UnderWay begun,
      Progress<State> progress)
      throws IOException, RefusedException {
    long[] length = new long[1];
    ImportReports reports = new ImportReports(begun, progress, false, 0);
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
                    (record, data) -> stopping.refuse()));
    return length[0];
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
        ReceivedStream.log(
            stream.delete(), "a stream is left, and the next start makes it", volume);
      }
      throw e;
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
    UnderWay begun = new UnderWay(stream.volume());
    begun.snapshot(stream.name());
    underWay.put(stream.volume(), begun);
    try {
      application.complete(stream, begun);
    } finally {
      underWay.remove(stream.volume(), begun);
    }
  }

  /** Those under way, by volume. */
  public List<UnderWay> underWay() {
    return List.copyOf(underWay.values());
  }

  /** The volumes of streams that were received and are not applied yet. */
  public Set<String> unfinished() throws RefusedException {
    return left.volumes();
  }

  /**
   * Gives up a stream that was received for a volume and is not applied.
   *
   * @return the file, which is gone; null when there was none
   */
  public @Nullable Path giveUp(String volume) throws RefusedException {
    Path file = null;
    for (ReceivedStream stream : ReceivedStream.left(folder)) {
      if (stream.volume().equals(volume)) {
        file = stream.file();
        LOG.warn("volume {}: the stream that was received for it is given up: {}", volume, file);
      }
    }
    forget(volume);
    return file;
  }

  /** Refuses to make another volume of a name that a received stream is for. */
  public void refuseIfLeft(String volume) throws RefusedException {
    left.refuse(volume);
  }

  @Override
  public List<Warning> warnings() {
    try {
      return left.warnings(configured.get(), Set.copyOf(underWay.keySet()));
    } catch (RefusedException e) {
      return List.of(
          new Warning(
              "folder " + folder,
              "what was received cannot be read: " + e.getMessage(),
              "see whether its file system is mounted and readable"));
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
        ReceivedStream.log(stream.delete(), "a stream is left", volume);
      }
    }
  }

  /** Refuses to take away or to rename a volume while a stream for it is received or written. */
  public void refuseWhileReceiving(String volume) throws RefusedException {
    if (underWay.containsKey(volume)) {
      throw new RefusedException(
          "a stream for volume " + volume + " is being received; wait for its end");
    }
  }

  /** Asks the imports under way to end, and refuses new ones. */
  public void stop() {
    stopping.begin();
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
