// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.anabranch.block.Scheduler;
import org.jspecify.annotations.Nullable;

/** A thin disk in memory that can hold its Ios back and fail them. Single-threaded. */
public final class MemoryDisk implements BlockDevice {
  private byte[] bytes;
  private final BitSet allocated = new BitSet();
  private final List<Io> held = new ArrayList<>();
  private boolean holding;
  private Limits limits = Limits.DEFAULT;
  private IoError.@Nullable Kind fault;
  private long faultSector;
  private long badSector = -1;
  private @Nullable Scheduler slowness;
  private long writeNanos;

  /** Counts what reached the disk. */
  public int flushes;

  public int durableWrites;
  public int discards;

  public MemoryDisk(int sectors) {
    bytes = new byte[sectors * 512];
  }

  @Override
  public String name() {
    return "memory";
  }

  @Override
  public long sectors() {
    return bytes.length / 512;
  }

  @Override
  public Limits limits() {
    return limits;
  }

  public void limits(Limits newLimits) {
    limits = newLimits;
  }

  public byte[] bytes() {
    return bytes;
  }

  public void grow(int sectors) {
    bytes = Arrays.copyOf(bytes, sectors * 512);
  }

  /** From now on Ios wait for {@link #release}. */
  public void hold() {
    holding = true;
  }

  /** From now on each request that writes or discards takes so long. */
  public void slow(Scheduler scheduler, long nanos) {
    slowness = scheduler;
    writeNanos = nanos;
  }

  public int held() {
    return held.size();
  }

  /** Lets the Ios go that were held back. */
  public void release() {
    holding = false;
    List<Io> waiting = new ArrayList<>(held);
    held.clear();
    waiting.forEach(this::perform);
  }

  /** From now on every Io fails; null ends that. */
  public void fail(IoError.@Nullable Kind kind, long sector) {
    fault = kind;
    faultSector = sector;
  }

  /** From now on Ios fail that take in the sector; -1 ends that. */
  public void failAt(long sector) {
    badSector = sector;
  }

  @Override
  public void submit(Io io) {
    if (holding) {
      held.add(io);
    } else if (slowness != null && writeNanos > 0 && io.modifies()) {
      slowness.schedule(() -> perform(io), writeNanos);
    } else {
      perform(io);
    }
  }

  private void perform(Io io) {
    if (fault != null) {
      io.complete(new IoError(fault, faultSector, "injected", null));
      return;
    }
    if (badSector >= io.sector() && badSector < io.end()) {
      io.complete(new IoError(IoError.Kind.IO, badSector, "injected", null));
      return;
    }
    if (io.end() > sectors()) {
      io.complete(IoError.outOfRange(io, sectors()));
      return;
    }
    int at = (int) io.sector() * 512;
    int first = (int) io.sector();
    int end = (int) io.end();
    switch (io.op()) {
      case READ -> {
        ByteBuffer data = io.data();
        data.put(data.position(), bytes, at, data.remaining());
      }
      case WRITE -> {
        ByteBuffer data = io.data();
        data.get(data.position(), bytes, at, data.remaining());
        allocated.set(first, end);
        durableWrites += io.fua() ? 1 : 0;
      }
      case FLUSH -> flushes++;
      case DISCARD -> {
        Arrays.fill(bytes, at, end * 512, (byte) 0);
        allocated.clear(first, end);
        discards++;
      }
      case WRITE_ZEROES -> {
        Arrays.fill(bytes, at, end * 512, (byte) 0);
        allocated.set(first, end);
        durableWrites += io.fua() ? 1 : 0;
      }
      case BLOCK_STATUS -> {
        boolean is = allocated.get(first);
        int next = is ? allocated.nextClearBit(first) : allocated.nextSetBit(first);
        io.answer(is, (next < 0 ? sectors() : next) - first);
      }
    }
    io.complete(null);
  }
}
