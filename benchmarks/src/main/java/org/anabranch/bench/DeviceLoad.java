// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.initiator.workload.LatencyHistogram;
import org.anabranch.initiator.workload.LoadGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A load on a block device of this process, without iSCSI: a fixed number of random reads or writes
 * in flight. The end of one begins the next, on the thread that the device completes it on; so the
 * device must not complete a request before {@code submit} returns, but for one that fails. All
 * processor time of this process counts as the device's.
 *
 * @param storage the process id of what stores the device's data
 */
record DeviceLoad(BlockDevice device, LoadGenerator.Load load, long storage)
    implements InterleavedRounds.Side {
  private static final long PATIENCE_SECONDS = 60;

  @Override
  public Measurement run() throws IOException, InterruptedException {
    long pid = ProcessHandle.current().pid();
    long begin = System.nanoTime() + load.warmup().toNanos();
    Run run = new Run(device, load, begin, begin + load.measured().toNanos());
    List<Place> places = new ArrayList<>();
    for (int i = 0; i < load.queueDepth(); i++) {
      places.add(new Place(run, load.seed() + i));
    }
    places.forEach(Place::next);
    TimeUnit.NANOSECONDS.sleep(load.warmup().toNanos());
    Usage.resetPeak(pid);
    Usage before = Usage.of(pid, storage);
    TimeUnit.NANOSECONDS.sleep(load.measured().toNanos());
    Usage after = Usage.of(pid, storage);
    run.await();
    LatencyHistogram latency = new LatencyHistogram();
    places.forEach(each -> latency.add(each.latency));
    LoadGenerator.Result all =
        new LoadGenerator.Result(latency, load.measured().toNanos(), load.bytes());
    double each = 1e6 / latency.count();
    return new Measurement(
        all.operationsPerSecond(),
        all.bytes(),
        (after.cpuSeconds() - before.cpuSeconds()) * each,
        0,
        (after.storageSeconds() - before.storageSeconds()) * each,
        after.peakBytes(),
        latency,
        1);
  }

  /** What all places share. */
  private record Run(
      BlockDevice device,
      LoadGenerator.Load load,
      long begin,
      long end,
      CountDownLatch left,
      AtomicReference<@Nullable IoError> failure) {
    Run(BlockDevice device, LoadGenerator.Load load, long begin, long end) {
      this(
          device, load, begin, end, new CountDownLatch(load.queueDepth()), new AtomicReference<>());
    }

    void await() throws IOException, InterruptedException {
      if (!left.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        throw new IOException(device.name() + " does not answer");
      }
      IoError error = failure.get();
      if (error != null) {
        throw error.toException();
      }
    }
  }

  /** One request after the other. A thread at a time, which hands it on through the device. */
  private static final class Place {
    private final Run run;
    private final SplittableRandom random;
    private final ByteBuffer data;
    private final LatencyHistogram latency = new LatencyHistogram();
    private final long places;

    Place(Run run, long seed) {
      this.run = run;
      this.random = new SplittableRandom(seed);
      this.data = ByteBuffer.allocateDirect(run.load.bytes());
      this.places = Math.min(run.load.rangeBytes(), run.device.sectors() << 9) / run.load.bytes();
      for (int at = 0; at + 8 <= data.capacity(); at += 8) {
        data.putLong(at, random.nextLong());
      }
    }

    void next() {
      long now = System.nanoTime();
      if (now >= run.end || run.failure.get() != null) {
        run.left.countDown();
        return;
      }
      long sector = random.nextLong(places) * (run.load.bytes() >> 9);
      boolean isRead =
          run.load.readPercent() == 100 || random.nextInt(100) < run.load.readPercent();
      run.device.submit(
          isRead
              ? Io.read(sector, data, (io, error) -> ended(now, error))
              : Io.write(sector, data, false, (io, error) -> ended(now, error)));
    }

    private void ended(long started, @Nullable IoError error) {
      long now = System.nanoTime();
      if (error != null) {
        run.failure.set(error);
      } else if (started >= run.begin && now <= run.end) {
        latency.record(now - started);
      }
      next();
    }
  }
}
