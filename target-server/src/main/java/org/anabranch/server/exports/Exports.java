// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Phaser;
import org.anabranch.server.RefusedException;
import org.anabranch.server.control.Verb.ClientGoneException;
import org.anabranch.server.control.Verb.Progress;
import org.anabranch.server.snapshots.Readers;
import org.anabranch.server.snapshots.Snapshots;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.storage.Storage;
import org.jspecify.annotations.Nullable;

/**
 * Exports of snapshots to files. Any thread, which may wait.
 *
 * <dl>
 *   <dt>What if the volume is written meanwhile?
 *   <dd>The export is the snapshot, which does not change; a writable one that is written while it
 *       is exported comes out as a mixture.
 *   <dt>What if somebody removes or merges the snapshot meanwhile?
 *   <dd>That is refused as long as the snapshot is being exported; a merge that waits for the last
 *       logout waits for the export too.
 *   <dt>What if whoever asked for it goes away, or the server stops?
 *   <dd>It ends at once, and the file's place stays as it was ({@link TargetFile}).
 * </dl>
 */
public final class Exports implements AutoCloseable {
  private static final int ZERO_UNIT = 4096;
  private static final long REPORT_NANOS = 100_000_000;

  private final Storage storage;
  private final Snapshots snapshots;

  /** Exports under way are parties, and this is one. */
  private final Phaser running = new Phaser(1);

  private volatile boolean closing;

  public Exports(Storage storage, Snapshots snapshots) {
    this.storage = storage;
    this.snapshots = snapshots;
  }

  /** Where a snapshot differs from its volume, or from an older snapshot of it. */
  public ChangedExtents changed(String device, @Nullable String since) throws RefusedException {
    SnapshotState snapshot = snapshots.standing(device);
    return new ChangedExtents(storage.mapper(), snapshot, older(snapshot, since));
  }

  private @Nullable SnapshotState older(SnapshotState snapshot, @Nullable String since)
      throws RefusedException {
    if (since == null) {
      return null;
    }
    SnapshotState older = snapshots.standing(since);
    if (!older.volume().equals(snapshot.volume()) || older.device().equals(snapshot.device())) {
      throw new RefusedException(since + " is no other snapshot of volume " + snapshot.volume());
    }
    return older;
  }

  /**
   * Writes a snapshot as a raw image. What is zero is a hole.
   *
   * @param path absolute
   * @param force also in place of a file that is there
   */
  public Map<String, ?> raw(String device, Path path, boolean force, Progress progress)
      throws RefusedException, ClientGoneException {
    TargetFile file = new TargetFile(path, force);
    long[] stored = new long[1];
    long bytes;
    begin();
    try (Readers.Reading open = snapshots.read(device)) {
      bytes = open.device().sectors() * 512;
      Reporter reporter = new Reporter(progress, bytes);
      file.write(out -> {
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
        out.setLength(bytes);
        reporter.last();
      });
    } finally {
      running.arriveAndDeregister();
    }
    return result(device, path, bytes, stored[0]);
  }

  /** Writes what is not zero; how many bytes that was. */
  private static long store(RandomAccessFile out, ByteBuffer data, long offset)
      throws RefusedException {
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
        TargetFile.write(out.getChannel(), data.slice(from, to - from), offset + from);
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
   * @param since what they are told against: an older snapshot; null for the volume as it is now
   */
  public Map<String, ?> delta(
      String device, @Nullable String since, Path path, boolean force, Progress progress)
      throws RefusedException, ClientGoneException {
    TargetFile file = new TargetFile(path, force);
    SnapshotState snapshot = snapshots.standing(device);
    SnapshotState older = older(snapshot, since);
    begin();
    try (Readers.Reading open = snapshots.read(device)) {
      long baseBytes = older == null ? storage.bytes(snapshot.volume()) : older.sectors() * 512;
      long bytes = Math.max(baseBytes, open.device().sectors() * 512);
      String text =
          "snapshot " + device + "\nagainst " + (since == null ? snapshot.volume() : since);
      long[] total = new long[1];
      changed(device, since).forEach(extent -> total[0] += extent.length());
      Reporter reporter = new Reporter(progress, total[0]);
      DeltaWriter[] writer = new DeltaWriter[1];
      file.write(out -> {
        writer[0] = new DeltaWriter(out, new DeltaFormat.Header(baseBytes, bytes, text));
        write(device, since, open, writer[0], reporter);
      });
      return result(device, path, bytes, writer[0].covered());
    } finally {
      running.arriveAndDeregister();
    }
  }

  private void write(
      String device,
      @Nullable String since,
      Readers.Reading open,
      DeltaWriter writer,
      Reporter reporter)
      throws RefusedException, ClientGoneException, IOException {
    DeviceReads reads =
        new DeviceReads(
            open.device(),
            (offset, data) -> {
              writer.add(offset, data);
              reporter.report(writer.covered());
            });
    try {
      ChangedExtents extents = changed(device, since);
      for (ByteExtent extent = extents.next(); extent != null; extent = extents.next()) {
        reads.read(extent);
      }
      reads.finish();
    } finally {
      reads.abandon();
    }
    writer.end();
    reporter.last();
  }

  private static Map<String, ?> result(String device, Path path, long bytes, long stored) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", device);
    json.put("file", path.toString());
    json.put("bytes", bytes);
    json.put("stored-bytes", stored);
    return json;
  }

  private void begin() throws RefusedException {
    running.register();
    if (closing) {
      running.arriveAndDeregister();
      throw new RefusedException("the server is stopping");
    }
  }

  /** Tells how far an export is, and ends it when there is nobody to tell or the server stops. */
  private final class Reporter {
    private final Progress progress;
    private final long total;
    private long reported = System.nanoTime() - REPORT_NANOS;

    Reporter(Progress progress, long total) {
      this.progress = progress;
      this.total = total;
    }

    void report(long done) throws RefusedException, ClientGoneException {
      if (closing) {
        throw new RefusedException("the server is stopping");
      }
      if (System.nanoTime() - reported >= REPORT_NANOS) {
        reported = System.nanoTime();
        progress.report(Map.of("done-bytes", done, "total-bytes", total));
      }
    }

    void last() throws ClientGoneException {
      progress.report(Map.of("done-bytes", total, "total-bytes", total));
    }
  }

  /** Ends the exports under way, and takes no more. */
  @Override
  public void close() {
    closing = true;
    running.arriveAndAwaitAdvance();
  }
}
