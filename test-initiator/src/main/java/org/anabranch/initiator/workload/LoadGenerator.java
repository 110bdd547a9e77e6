// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.workload;

import io.netty.util.concurrent.EventExecutor;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Command;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Response;
import org.anabranch.initiator.ScsiException;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a fixed number of reads or writes of one size in flight on one disk and measures their
 * latency. Everything runs on the session's event loop: the end of one operation starts the next.
 */
public final class LoadGenerator {
  /**
   * The load.
   *
   * @param bytes size of each operation, a multiple of the block size
   * @param queueDepth operations in flight
   * @param readPercent percentage of reads; the rest are writes
   * @param random whether addresses are random or sequential
   * @param rangeBytes from the start of the disk; limited to its size
   * @param placeBytes distance between the starts of two places
   * @param warmup time before measuring
   * @param measured measured time
   */
  public record Load(
      int bytes,
      int queueDepth,
      int readPercent,
      boolean random,
      long rangeBytes,
      long placeBytes,
      Duration warmup,
      Duration measured,
      long seed) {
    /** With adjacent places. */
    public Load(
        int bytes,
        int queueDepth,
        int readPercent,
        boolean random,
        long rangeBytes,
        Duration warmup,
        Duration measured,
        long seed) {
      this(bytes, queueDepth, readPercent, random, rangeBytes, bytes, warmup, measured, seed);
    }

    /** The same with another seed. */
    public Load withSeed(long other) {
      return new Load(
          bytes, queueDepth, readPercent, random, rangeBytes, placeBytes, warmup, measured, other);
    }

    /** The same with a larger distance between places. */
    public Load withPlaces(long apart) {
      return new Load(
          bytes, queueDepth, readPercent, random, rangeBytes, apart, warmup, measured, seed);
    }
  }

  /** The result: operations that started and ended within {@code nanos}. */
  public record Result(LatencyHistogram latency, long nanos, int bytes) {
    public double operationsPerSecond() {
      return latency.count() * 1e9 / nanos;
    }

    /** Decimal megabytes per second. */
    public double megabytesPerSecond() {
      return operationsPerSecond() * bytes / 1e6;
    }
  }

  private final Disk disk;
  private final Load load;
  private final SplittableRandom random;
  private final long places;
  private final int blocks;
  private final long placeBlocks;
  private final CompletableFuture<Result> done = new CompletableFuture<>();
  private final LatencyHistogram latency = new LatencyHistogram();

  // Owned by the session's event loop.
  private long next;
  private int running;
  private long begin;
  private long end;
  private @Nullable Throwable failure;

  private LoadGenerator(Disk disk, Load load) {
    this.disk = disk;
    this.load = load;
    this.random = new SplittableRandom(load.seed());
    this.places = Math.min(load.rangeBytes(), disk.bytes()) / load.placeBytes();
    this.blocks = load.bytes() / disk.blockSize();
    this.placeBlocks = load.placeBytes() / disk.blockSize();
    if (load.bytes() % disk.blockSize() != 0
        || load.placeBytes() % disk.blockSize() != 0
        || load.placeBytes() < load.bytes()
        || places == 0) {
      throw new IllegalArgumentException(load.bytes() + " bytes at a time do not fit " + disk);
    }
  }

  /** Starts at once; completes when the time is over and the last operation has ended. */
  public static CompletableFuture<Result> run(Disk disk, Load load) {
    LoadGenerator generator = new LoadGenerator(disk, load);
    EventExecutor loop = disk.session().executor();
    loop.execute(generator::begin);
    return generator.done;
  }

  private void begin() {
    begin = System.nanoTime() + load.warmup().toNanos();
    end = begin + load.measured().toNanos();
    running = load.queueDepth();
    for (int i = 0; i < load.queueDepth(); i++) {
      ByteBuffer data = ByteBuffer.allocateDirect(load.bytes());
      for (int at = 0; at + 8 <= data.capacity(); at += 8) {
        data.putLong(at, random.nextLong());
      }
      next(data);
    }
  }

  private void next(ByteBuffer data) {
    long now = System.nanoTime();
    if (now >= end || failure != null) {
      lastOne();
      return;
    }
    long place = load.random() ? random.nextLong(places) : next++ % places;
    long lba = place * placeBlocks;
    boolean read = load.readPercent() == 100 || random.nextInt(100) < load.readPercent();
    Command command =
        read
            ? Command.in(disk.lunField(), Cdb.read(lba, blocks), data)
            : Command.out(disk.lunField(), Cdb.write(lba, blocks, false), data);
    CompletableFuture<Void> _ =
        disk.session()
            .submit(command)
            .handle((response, error) -> {
              ended(now, data, response, error);
              return null;
            });
  }

  private void ended(
      long started, ByteBuffer data, @Nullable Response response, @Nullable Throwable error) {
    long now = System.nanoTime();
    if (error != null) {
      failure = error;
    } else if (response != null && !response.isGood()) {
      failure = new ScsiException(response);
    } else if (started >= begin && now <= end) {
      latency.record(now - started);
    }
    next(data);
  }

  private void lastOne() {
    running--;
    if (running == 0) {
      Throwable cause = failure;
      if (cause != null) {
        done.completeExceptionally(cause);
      } else {
        done.complete(new Result(latency, load.measured().toNanos(), load.bytes()));
      }
    }
  }
}
