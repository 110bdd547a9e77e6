// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoCompletion;
import org.anabranch.block.dm.TableException;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The cost of mapping alone: requests of 4 KiB, chunks of 4 KiB, and below the targets devices that
 * complete at once and do nothing. A figure includes making the {@link Io}: {@link #nothing} is
 * that, and the gate of a mapped device with a linear target is what {@link #linearRead} adds.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class MappingCost {
  private static final int CHUNK = 8;
  private static final int COPIED = 1 << 16; // chunks that have exceptions, scattered
  private static final long SECTORS = 1L << 40;

  private static final IoCompletion DONE =
      (io, error) -> {
        if (error != null) {
          throw new IllegalStateException(error.message());
        }
      };

  private final ByteBuffer data = ByteBuffer.allocateDirect(CHUNK * 512);
  private final FileMapper devices = new FileMapper();
  private final BlockDevice below = new NullDevice("null0", SECTORS);
  private BlockDevice linear = below;
  private BlockDevice lonelyOrigin = below;
  private BlockDevice origin = below;
  private BlockDevice snapshot = below;
  private long random = 1;
  private long fresh;

  @Setup(Level.Iteration)
  public void open() throws IOException, TableException {
    String size = "0 " + SECTORS + " ";
    devices.mapper().addVolume("null", below);
    devices.mapper().addVolume("lonely", new NullDevice("null1", SECTORS));
    devices.mapper().addVolume("cow", new NullDevice("null2", SECTORS));
    linear = devices.create("linear0", size + "linear null 0");
    lonelyOrigin = devices.create("lonely0", size + "snapshot-origin lonely");
    origin = devices.create("origin0", size + "snapshot-origin null");
    snapshot = devices.create("snapshot0", size + "snapshot null cow P " + CHUNK);
    for (int i = 0; i < COPIED; i++) {
      snapshot.submit(Io.write(copied(i), data, false, DONE));
    }
    fresh = 1L << 30; // beyond what is copied
  }

  @TearDown(Level.Iteration)
  public void close() throws IOException {
    devices.remove("snapshot0", "origin0", "lonely0", "linear0");
    for (String volume : new String[] {"null", "lonely", "cow"}) {
      devices.await(devices.mapper().removeVolume(volume));
    }
  }

  /** Every second chunk: no two make a run. */
  private static long copied(long i) {
    return 2 * i * CHUNK;
  }

  private long anyCopied() {
    random = random * 6364136223846793005L + 1442695040888963407L;
    return copied((random >>> 40) & (COPIED - 1));
  }

  @Benchmark
  public void nothing() {
    below.submit(Io.read(anyCopied(), data, DONE));
  }

  @Benchmark
  public void linearRead() {
    linear.submit(Io.read(anyCopied(), data, DONE));
  }

  @Benchmark
  public void originRead() {
    origin.submit(Io.read(anyCopied(), data, DONE));
  }

  @Benchmark
  public void originWriteWithoutSnapshots() {
    lonelyOrigin.submit(Io.write(anyCopied(), data, false, DONE));
  }

  @Benchmark
  public void originWriteToCopiedChunk() {
    origin.submit(Io.write(anyCopied(), data, false, DONE));
  }

  @Benchmark
  public void snapshotReadOfCopiedChunk() {
    snapshot.submit(Io.read(anyCopied(), data, DONE));
  }

  @Benchmark
  public void snapshotReadOfOrigin() {
    snapshot.submit(Io.read(anyCopied() + CHUNK, data, DONE));
  }

  @Benchmark
  public void snapshotWriteToCopiedChunk() {
    snapshot.submit(Io.write(anyCopied(), data, false, DONE));
  }

  /** Fills a chunk of its own, with the record that this takes. */
  @Benchmark
  public void snapshotFirstWrite() {
    snapshot.submit(Io.write(fresh, data, false, DONE));
    fresh += 2 * CHUNK;
  }

  /** Has a chunk copied first. */
  @Benchmark
  public void originFirstWrite() {
    origin.submit(Io.write(fresh, data, false, DONE));
    fresh += 2 * CHUNK;
  }
}
