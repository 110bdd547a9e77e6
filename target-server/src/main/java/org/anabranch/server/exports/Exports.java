// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Phaser;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.Progress;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.snapshots.Snapshots;
import org.anabranch.server.snapshots.device.Readers;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.terminal.Sizes;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Exports of snapshots to files and streams. Any thread, which may wait.
 *
 * <dl>
 *   <dt>What if the volume is written meanwhile?
 *   <dd>The export is the snapshot, which does not change; a writable one that is written while it
 *       is exported comes out as a mixture.
 *   <dt>What if somebody removes or merges the snapshot meanwhile, or the one it is compared with?
 *   <dd>That is refused as long as it is being read; a merge that waits for the last logout waits
 *       for that, too.
 *   <dt>What if whoever asked for it goes away, or the server stops?
 *   <dd>It ends at once, and the file's place stays as it was ({@link TargetFile}).
 * </dl>
 */
public final class Exports implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Exports.class);
  private static final long LAST_READ_SECONDS = 10;
  private static final int ZERO_UNIT = 4096;
  private static final long REPORT_NANOS = 100_000_000;

  private final Storage storage;
  private final Snapshots snapshots;
  private final LiveConfiguration live;

  /** Each export under way is a party, and so is this object. */
  private final Phaser running = new Phaser(1);

  private volatile boolean closing;

  public Exports(Storage storage, Snapshots snapshots, LiveConfiguration live) {
    this.storage = storage;
    this.snapshots = snapshots;
    this.live = live;
  }

  /**
   * How far an export is.
   *
   * @param done bytes
   * @param total bytes
   */
  public record State(long done, long total) {}

  /**
   * A file that is complete.
   *
   * @param bytes the length of the snapshot
   * @param stored bytes of data in the file
   */
  public record Written(long bytes, long stored) {}

  /** Refuses what an export must not replace: the server's own files, and its configuration. */
  private void refuseOwn(Path path) throws RefusedException {
    storage.refuseOwn(path);
    for (Path file : live.file().files()) {
      if (path.toAbsolutePath().normalize().equals(file) || isSame(path, file)) {
        throw new RefusedException(
            path + " is a file of the server's configuration; name another file");
      }
    }
  }

  private static boolean isSame(Path path, Path file) {
    try {
      return Files.exists(path) && Files.exists(file) && Files.isSameFile(path, file);
    } catch (IOException e) {
      return false; // one of them cannot be reached, and so not be replaced
    }
  }

  /**
   * Where a snapshot differs from its volume, or from an older snapshot of it; what the longer of
   * the two has behind the end of the other is part of it.
   *
   * @param types whether extents are divided by what the snapshot reads as there
   * @param sink gets the extents, ascending
   * @param since the older one; null for the volume as it is now
   */
  public void changed(String device, @Nullable String since, boolean types, TypedExtent.Sink sink)
      throws RefusedException, ClientGoneException {
    begin();
    try (Comparison comparison = compare(device, since)) {
      long now =
          since == null ? storage.devices().bytes(comparison.younger.snapshot().volume()) : 0;
      ChangedExtents extents = comparison.extents(now);
      for (ByteExtent extent = extents.next(); extent != null; extent = extents.next()) {
        refuseAtTheEnd();
        if (types) {
          TypedExtent.divide(comparison.younger.device(), extent, sink);
        } else {
          sink.take(new TypedExtent(extent.offset(), extent.length(), null));
        }
      }
    } finally {
      running.arriveAndDeregister();
    }
  }

  /**
   * A snapshot, and an older one that it is compared with; neither can go meanwhile.
   *
   * @param older null for the volume as it is now
   */
  private record Comparison(
      DeviceMapper mapper, Readers.Reading younger, Readers.@Nullable Reading older)
      implements AutoCloseable {
    ChangedExtents extents() {
      return extents(0);
    }

    /** What the snapshot does not have, up to so many bytes, differs as well. */
    ChangedExtents extents(long bytes) {
      return new ChangedExtents(
          mapper, younger.snapshot(), older == null ? null : older.snapshot(), bytes);
    }

    @Override
    public void close() {
      younger.close();
      if (older != null) {
        older.close();
      }
    }
  }

  private Comparison compare(String device, @Nullable String since) throws RefusedException {
    Readers.Reading younger = snapshots.read(device);
    try {
      return new Comparison(
          storage.mapper(), younger, since == null ? null : older(younger.snapshot(), since));
    } catch (RefusedException e) {
      younger.close();
      throw e;
    }
  }

  private Readers.Reading older(SnapshotState snapshot, String since) throws RefusedException {
    Readers.Reading older = snapshots.read(since);
    SnapshotState found = older.snapshot();
    if (found.phase() == Phase.MERGING || snapshot.phase() == Phase.MERGING) {
      older.close();
      throw new RefusedException(
          "volume "
              + snapshot.volume()
              + " is being rolled back, and until that has ended it is not known where two snapshots"
              + " differ; wait for its end");
    }
    if (!found.volume().equals(snapshot.volume()) || found.device().equals(snapshot.device())) {
      older.close();
      throw new RefusedException(
          since
              + " is no other snapshot of volume "
              + snapshot.volume()
              + "; --since names an older one of that volume");
    }
    if (found.created().isAfter(snapshot.created())) {
      older.close();
      throw new RefusedException(
          since
              + " is younger than "
              + snapshot.device()
              + ": taken "
              + found.created()
              + ", after "
              + snapshot.created()
              + "; --since names an older one");
    }
    return older;
  }

  /**
   * Writes a snapshot as a raw image. What is zero is a hole.
   *
   * @param path absolute
   * @param force replaces an existing file
   */
  public Written raw(String device, Path path, boolean force, Progress<State> progress)
      throws RefusedException, ClientGoneException {
    TargetFile file = new TargetFile(path, force, this::refuseOwn);
    Written[] written = new Written[1];
    file.write(out -> written[0] = into(device, out, progress));
    return written[0];
  }

  /**
   * Writes a snapshot as a raw image into an empty file. What is zero is a hole. Not durable yet.
   *
   * @param progress when it throws, this ends
   */
  public Written into(String device, FileChannel out, Progress<State> progress)
      throws RefusedException, ClientGoneException, IOException {
    long[] stored = new long[1];
    long bytes;
    begin();
    try (Readers.Reading open = snapshots.read(device)) {
      bytes = open.device().sectors() * 512;
      Reporter reporter = new Reporter(progress, bytes);
      DeviceReads reads =
          new DeviceReads(
              open.device(),
              (offset, data) -> {
                stored[0] += store(out, data, offset);
                reporter.report(offset + data.limit());
              });
      try {
        reads.readAllocated();
      } finally {
        reads.abandon();
      }
      TargetFile.extend(out, bytes);
      reporter.last();
    } finally {
      running.arriveAndDeregister();
    }
    return new Written(bytes, stored[0]);
  }

  /**
   * Makes the image of a new volume: what did not change since the snapshot was taken shares blocks
   * with the volume's image where that can be ({@link SharedCopy}); otherwise like {@link #into}.
   * Not durable yet.
   *
   * @param path of the image, which is empty
   * @param out the same, open
   * @return what was stored, without what is shared
   */
  public Written copy(String device, Path path, FileChannel out, Progress<State> progress)
      throws RefusedException, ClientGoneException, IOException {
    begin();
    try (Readers.Reading open = snapshots.read(device)) {
      long bytes = open.device().sectors() * 512;
      Reporter reporter = new Reporter(progress, bytes);
      long copied = new SharedCopy(storage, live).run(open, path, out, reporter::report);
      if (copied >= 0) {
        reporter.last();
        LOG.info(
            "{}: made of snapshot {}: {} copied, the rest of {} shared with the volume's image",
            path,
            device,
            Sizes.bytes((double) copied),
            Sizes.bytes((double) bytes));
        return new Written(bytes, copied);
      }
    } finally {
      running.arriveAndDeregister();
    }
    return into(device, out, progress);
  }

  /** Writes what is not zero, and returns how many bytes that was. */
  private static long store(FileChannel out, ByteBuffer data, long offset) throws RefusedException {
    long stored = 0;
    int end = data.limit();
    for (int from = 0; from < end; ) {
      int to = unit(from, end);
      if (Zeros.at(data, from, to - from)) {
        from = to;
        continue;
      }
      while (to < end && !Zeros.at(data, to, unit(to, end) - to)) {
        to = unit(to, end);
      }
      try {
        TargetFile.write(out, data.slice(from, to - from), offset + from);
      } catch (IOException e) {
        throw new RefusedException("the export cannot be written: " + e.getMessage(), e);
      }
      stored += to - from;
      from = to;
    }
    return stored;
  }

  private static int unit(int from, int end) {
    return Math.min(end, from + ZERO_UNIT);
  }

  /**
   * Writes the changed extents as {@link DeltaFormat} says.
   *
   * @param since the older snapshot to compare with; null for the volume as it is now
   */
  public Written delta(
      String device, @Nullable String since, Path path, boolean force, Progress<State> progress)
      throws RefusedException, ClientGoneException {
    TargetFile file = new TargetFile(path, force, this::refuseOwn);
    begin();
    try (Comparison comparison = compare(device, since)) {
      String volume = comparison.younger.snapshot().volume();
      long baseBytes =
          comparison.older == null
              ? storage.devices().bytes(volume)
              : comparison.older.snapshot().sectors() * 512;
      long bytes = Math.max(baseBytes, comparison.younger.device().sectors() * 512);
      String text = "snapshot " + device + "\nagainst " + (since == null ? volume : since);
      long[] total = new long[1];
      comparison.extents().forEach(extent -> total[0] += extent.length());
      Reporter reporter = new Reporter(progress, total[0]);
      DeltaWriter[] writer = new DeltaWriter[1];
      file.write(out -> {
        writer[0] =
            new DeltaWriter(
                DeltaWriter.to(out),
                new DeltaFormat.Header(baseBytes, bytes, text).write(),
                DeltaFormat.Place.NOWHERE);
        write(comparison, false, writer[0], reporter);
      });
      return new Written(bytes, writer[0].covered());
    } finally {
      running.arriveAndDeregister();
    }
  }

  /**
   * Writes a snapshot as a stream: {@link StreamHeader}.
   *
   * @param since the older snapshot that whoever reads it has; null for everything
   * @param out gets it in parts
   */
  public Written stream(
      String device, @Nullable String since, StreamOutput.Sink out, Progress<State> progress)
      throws RefusedException, ClientGoneException {
    begin();
    try (Comparison comparison = compare(device, since)) {
      progress.report(new State(0, comparison.younger.device().sectors() * 512));
      StreamOutput output = new StreamOutput(out);
      StreamHeader.Written header = header(comparison);
      DeltaWriter writer = new DeltaWriter(output, header.bytes(), header.header().place());
      long[] total = {header.header().bytes()};
      if (since != null) {
        total[0] = 0;
        comparison.extents().forEach(extent -> total[0] += extent.length());
      }
      Reporter reporter = new Reporter(progress, total[0]);
      write(comparison, since == null, writer, reporter);
      output.flush();
      return new Written(header.header().bytes(), writer.covered());
    } catch (IOException e) {
      throw new RefusedException("the stream cannot be written: " + e.getMessage(), e);
    } finally {
      running.arriveAndDeregister();
    }
  }

  private StreamHeader.Written header(Comparison comparison) throws RefusedException {
    SnapshotState younger = comparison.younger.snapshot();
    SnapshotState older = comparison.older == null ? null : comparison.older.snapshot();
    long bytes = younger.sectors() * 512;
    long baseBytes = older == null ? 0 : older.sectors() * 512;
    if (baseBytes > bytes) {
      throw new RefusedException(
          "volume " + younger.volume() + " was made smaller since; export all of it");
    }
    return StreamHeader.write(
        baseBytes,
        bytes,
        new StreamHeader.Facts(
            younger.volume(),
            younger.name(),
            younger.created(),
            younger.pointId(),
            older == null ? null : older.pointId(),
            older == null ? null : older.device(),
            comparison.younger.device().limits().logicalBlockSize()));
  }

  private void write(Comparison comparison, boolean whole, DeltaWriter writer, Reporter reporter)
      throws RefusedException, ClientGoneException, IOException {
    DeviceReads reads =
        new DeviceReads(
            comparison.younger.device(),
            (offset, data) -> {
              writer.add(offset, data);
              reporter.report(writer.covered());
            });
    try {
      if (whole) {
        reads.readAllocated();
      } else {
        ChangedExtents extents = comparison.extents();
        for (ByteExtent extent = extents.next(); extent != null; extent = extents.next()) {
          reads.read(extent);
        }
        reads.finish();
      }
    } finally {
      reads.abandon();
    }
    writer.end();
    reporter.last();
  }

  private void begin() throws RefusedException {
    running.register();
    try {
      refuseAtTheEnd();
    } catch (RefusedException e) {
      running.arriveAndDeregister();
      throw e;
    }
  }

  private void refuseAtTheEnd() throws RefusedException {
    if (closing) {
      throw new RefusedException("the server is stopping");
    }
  }

  /** Reports the progress of an export, and ends it when its client is gone or the server stops. */
  private final class Reporter {
    private final Progress<State> progress;
    private final long total;
    private long reported = System.nanoTime() - REPORT_NANOS;

    Reporter(Progress<State> progress, long total) {
      this.progress = progress;
      this.total = total;
    }

    void report(long done) throws RefusedException, ClientGoneException {
      refuseAtTheEnd();
      if (System.nanoTime() - reported >= REPORT_NANOS) {
        reported = System.nanoTime();
        progress.report(new State(done, total));
      }
    }

    void last() throws ClientGoneException {
      progress.report(new State(total, total));
    }
  }

  /** Asks the exports under way to end, and refuses new ones. */
  public void stop() {
    closing = true;
  }

  /**
   * Waits for their end. An export that is blocked by a client that does not read ends when that
   * client's connection is closed. One whose device does not answer is abandoned.
   */
  @Override
  public void close() {
    stop();
    try {
      running.awaitAdvanceInterruptibly(running.arrive(), LAST_READ_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      LOG.error(
          "an export waits for a device that does not answer; the server stops without its end, and"
              + " what it was to write is not whole");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
