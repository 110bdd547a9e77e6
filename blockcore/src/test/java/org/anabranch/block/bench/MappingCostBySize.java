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
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * {@link MappingCost} by the number of a snapshot's exceptions, of which no two are beside each
 * other: how long it takes to find one among so many, or none.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class MappingCostBySize {
  private static final int CHUNK = 8;
  private static final long SECTORS = 1L << 40;

  private static final IoCompletion DONE =
      (io, error) -> {
        if (error != null) {
          throw new IllegalStateException(error.message());
        }
      };

  @Param({"1000", "10000", "100000", "1000000", "10000000"})
  public int exceptions;

  private final ByteBuffer data = ByteBuffer.allocateDirect(CHUNK * 512);
  private final FileMapper devices = new FileMapper();
  private BlockDevice origin = new NullDevice("null0", SECTORS);
  private BlockDevice snapshot = origin;
  private long random = 1;

  @Setup(Level.Trial)
  public void open() throws IOException, TableException {
    String size = "0 " + SECTORS + " ";
    devices.mapper().addVolume("null", origin);
    devices.mapper().addVolume("cow", new NullDevice("null1", SECTORS));
    origin = devices.create("origin0", size + "snapshot-origin null");
    snapshot = devices.create("snapshot0", size + "snapshot null cow P " + CHUNK);
    for (int i = 0; i < exceptions; i++) {
      snapshot.submit(Io.write(copied(i), data, false, DONE));
    }
  }

  @TearDown(Level.Trial)
  public void close() throws IOException {
    devices.remove("snapshot0", "origin0");
    devices.await(devices.mapper().removeVolume("null"));
    devices.await(devices.mapper().removeVolume("cow"));
  }

  private static long copied(long i) {
    return 2 * i * CHUNK;
  }

  private long anyCopied() {
    random = random * 6364136223846793005L + 1442695040888963407L;
    return copied((random >>> 33) % exceptions);
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
  public void originWriteToCopiedChunk() {
    origin.submit(Io.write(anyCopied(), data, false, DONE));
  }
}
