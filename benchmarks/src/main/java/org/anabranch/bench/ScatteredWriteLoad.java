// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.initiator.workload.LatencyHistogram;
import org.jspecify.annotations.Nullable;

/**
 * Writes each of a number of places once, in an order without neighbours in succession.
 *
 * @param lun the server's LUN, from 0
 * @param count number of places, a power of two
 * @param spacing bytes from one place to the next
 * @param bytes bytes of each write
 * @param queueDepth writes in flight
 * @param flushEvery after so many writes, all are awaited and then flushed; 0: never
 * @param most the time after which no more writes begin
 */
record ScatteredWriteLoad(
    int lun, int count, long spacing, int bytes, int queueDepth, int flushEvery, Duration most)
    implements Generator {
  private static final long PATIENCE_SECONDS = 60;

  /** Odd, so that its multiples reach all places before the first one repeats. */
  private static final long STRIDE = 0x9E3779B1L;

  ScatteredWriteLoad {
    if (Integer.bitCount(count) != 1) {
      throw new IllegalArgumentException(count + " is no power of two");
    }
  }

  /** Writes all places, however long that takes, without a flush. */
  ScatteredWriteLoad(int lun, int count, long spacing, int bytes, int queueDepth) {
    this(lun, count, spacing, bytes, queueDepth, 0, Duration.ofDays(1));
  }

  /** The offset of the {@code i}th write, in bytes. */
  long place(int i) {
    return ((i * STRIDE) & (count - 1)) * spacing;
  }

  /** Makes what is written next a first write again. */
  interface Renewal {
    void renew() throws IOException, InterruptedException;
  }

  /** How much a pass has written, and how long that took without the login. */
  private record Pass(int written, long nanos) {}

  /** One pass over the places, or less. */
  @Override
  public Measurement run(ServerProcess server) throws IOException, InterruptedException {
    Usage before = server.usageAtBegin();
    LatencyHistogram latency = new LatencyHistogram();
    Pass pass = pass(server, latency, count, most.toNanos());
    return result(server, before, latency, pass.written, pass.nanos);
  }

  /**
   * Passes over the places until the time is over. Before each one but the first, {@code renewal}
   * is run; its time is not counted, its processor time is.
   */
  Measurement sustained(ServerProcess server, Renewal renewal)
      throws IOException, InterruptedException {
    Usage before = server.usageAtBegin();
    LatencyHistogram latency = new LatencyHistogram();
    long nanos = 0;
    long written = 0;
    while (true) {
      Pass pass = pass(server, latency, count, most.toNanos() - nanos);
      written += pass.written;
      nanos += pass.nanos;
      if (nanos >= most.toNanos()) {
        return result(server, before, latency, written, nanos);
      }
      renewal.renew();
    }
  }

  private Measurement result(
      ServerProcess server, Usage before, LatencyHistogram latency, long written, long nanos)
      throws IOException {
    return Measurement.of(
        written * 1e9 / nanos, bytes, (double) written, before, server.usage(), latency, 1);
  }

  /** Writes the first {@code number} places, however long that takes. */
  void begin(ServerProcess server, int number) throws IOException, InterruptedException {
    var _ = pass(server, new LatencyHistogram(), number, Long.MAX_VALUE / 2);
  }

  private Pass pass(ServerProcess server, LatencyHistogram latency, int number, long nanos)
      throws IOException, InterruptedException {
    try (Initiator initiator = new Initiator()) {
      Session session =
          Initiator.await(
              initiator.login(server.portal(), SessionOptions.normal(server.target())),
              PATIENCE_SECONDS);
      Disk disk = Initiator.await(Disk.open(session, server.firstLun() + lun), PATIENCE_SECONDS);
      long begin = System.nanoTime();
      int written = write(disk, latency, number, begin + nanos);
      Pass pass = new Pass(written, System.nanoTime() - begin);
      Initiator.await(session.logout(), PATIENCE_SECONDS);
      return pass;
    }
  }

  /**
   * Latencies are recorded on the session's event loop and read when all writes have completed.
   *
   * @return the number of writes
   */
  private int write(Disk disk, LatencyHistogram latency, int number, long deadline)
      throws IOException, InterruptedException {
    AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    Semaphore places = new Semaphore(queueDepth);
    ByteBuffer data = ByteBuffer.allocateDirect(bytes);
    int i = 0;
    for (; i < number && failure.get() == null && System.nanoTime() - deadline < 0; i++) {
      if (flushEvery > 0 && i > 0 && i % flushEvery == 0) {
        places.acquire(queueDepth);
        Initiator.await(disk.flush(), PATIENCE_SECONDS);
        places.release(queueDepth);
      }
      places.acquire();
      long started = System.nanoTime();
      CompletableFuture<?> _ =
          disk.write(place(i) / disk.blockSize(), data.duplicate())
              .whenComplete((written, error) -> {
                latency.record(System.nanoTime() - started);
                failure.compareAndSet(null, error);
                places.release();
              });
    }
    places.acquire(queueDepth);
    Throwable cause = failure.get();
    if (cause != null) {
      throw new IOException("a write failed: " + cause.getMessage(), cause);
    }
    return i;
  }
}
