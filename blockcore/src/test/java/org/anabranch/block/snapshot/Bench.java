// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.block.dm.NoPaths;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.sim.SimScheduler;
import org.anabranch.block.targets.TargetTypes;
import org.anabranch.block.testing.TestDevice;
import org.jspecify.annotations.Nullable;

/** A mapper over devices in memory, driven step by step on one thread. */
public final class Bench {
  public final SimScheduler scheduler = new SimScheduler(1);
  public final DeviceMapper mapper;

  public Bench() {
    this(InvalidStores.NOT_KEPT);
  }

  public Bench(InvalidStores invalidStores) {
    mapper =
        new DeviceMapper(
            scheduler, new NoPaths(), TargetTypes.standard(Bounds.DEFAULT, invalidStores));
  }

  /** The outcome of a request. */
  public static final class Outcome {
    public boolean done;
    public @Nullable IoError error;

    public boolean good() {
      return done && error == null;
    }

    void end(Io io, @Nullable IoError how) {
      if (done) {
        throw new IllegalStateException("completed twice: " + io);
      }
      done = true;
      error = how;
    }
  }

  public Bench add(BlockDevice... devices) {
    for (BlockDevice device : devices) {
      try {
        mapper.addVolume(device.name(), device);
      } catch (TableException e) {
        throw new IllegalArgumentException(e);
      }
    }
    return this;
  }

  /** Waits for a verb; its refusal is thrown. */
  public <T extends @Nullable Object> T await(CompletionStage<T> stage) throws TableException {
    try {
      return scheduler.await(stage, "a verb");
    } catch (ExecutionException e) {
      if (e.getCause() instanceof TableException refusal) {
        throw refusal;
      }
      throw new AssertionError(e.getCause());
    }
  }

  public BlockDevice create(String name, String table) throws TableException {
    return await(mapper.create(name, table));
  }

  public void remove(String... names) throws TableException {
    for (String name : names) {
      await(mapper.remove(name));
    }
  }

  /** Submits, and runs what there is to run. */
  public Outcome run(BlockDevice device, Io io, Outcome outcome) {
    device.submit(io);
    scheduler.runToQuiescence();
    return outcome;
  }

  /** Writes the pattern; the sector range is that of the device and the pattern. */
  public Outcome put(BlockDevice device, char tag, long sector, long sectors) {
    Outcome outcome = new Outcome();
    return run(
        device, Io.write(sector, pattern(tag, sector, sectors), false, outcome::end), outcome);
  }

  public static ByteBuffer pattern(char tag, long sector, long sectors) {
    ByteBuffer data = ByteBuffer.allocateDirect((int) sectors * 512);
    for (long i = 0; i < sectors; i++) {
      data.put(TestDevice.pattern(tag, sector + i));
    }
    return data.flip();
  }

  public Outcome read(BlockDevice device, long sector, ByteBuffer data) {
    Outcome outcome = new Outcome();
    return run(device, Io.read(sector, data, outcome::end), outcome);
  }

  /** All of a device, read in pieces of 64 KiB; an error fails the test. */
  public byte[] view(BlockDevice device) {
    byte[] all = new byte[(int) device.sectors() * 512];
    for (int at = 0; at < all.length; ) {
      ByteBuffer data = ByteBuffer.allocateDirect(Math.min(65536, all.length - at));
      Outcome outcome = read(device, at / 512, data);
      if (!outcome.good()) {
        throw new AssertionError("read of " + device + " at byte " + at + ": " + outcome.error);
      }
      data.get(0, all, at, data.capacity());
      at += data.capacity();
    }
    return all;
  }

  /** A device full of the pattern. */
  public static byte[] view(int sectors, char tag) {
    return new TestDevice("", sectors).pattern(tag).bytes();
  }

  public static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
