// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.testing;

import java.util.Arrays;
import java.util.BitSet;
import java.util.function.LongPredicate;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.jspecify.annotations.Nullable;

/** A device in memory that completes every request inside {@link #submit}. Any thread. */
public final class MemoryDevice implements BlockDevice {
  private static final int SECTOR = 512;

  private final String name;
  private volatile Limits limits = Limits.DEFAULT;
  private volatile byte[] bytes; // its content is guarded by this

  /** Sectors without storage; guarded by this. */
  private LongPredicate holes = sector -> false;

  /** The allocated sectors of a thin device; null if all are. Guarded by this. */
  private @Nullable BitSet allocated;

  public MemoryDevice(String name, byte[] content) {
    this.name = name;
    this.bytes = content;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public long sectors() {
    return bytes.length / SECTOR;
  }

  @Override
  public Limits limits() {
    return limits;
  }

  void limits(Limits newLimits) {
    limits = newLimits;
  }

  /** The content itself. Look at it while no request is in flight. */
  byte[] bytes() {
    return bytes;
  }

  synchronized void grow(long sectors) {
    bytes = Arrays.copyOf(bytes, (int) sectors * SECTOR);
  }

  /** Answers block status requests by a predicate, which writes do not change. */
  synchronized void holes(LongPredicate isHole) {
    holes = isHole;
  }

  /** Allocates sectors when they are written; discards release them. None is allocated now. */
  synchronized void thin() {
    BitSet none = new BitSet();
    allocated = none;
    holes = sector -> !none.get((int) sector);
  }

  @Override
  public void submit(Io io) {
    io.complete(io.end() > sectors() ? IoError.outOfRange(io, sectors()) : run(io));
  }

  private synchronized @Nullable IoError run(Io io) {
    int at = (int) io.sector() * SECTOR;
    int length = (int) io.sectors() * SECTOR;
    switch (io.op()) {
      case READ -> io.data().put(io.data().position(), bytes, at, length);
      case WRITE -> io.data().get(io.data().position(), bytes, at, length);
      case DISCARD, WRITE_ZEROES -> Arrays.fill(bytes, at, at + length, (byte) 0);
      case BLOCK_STATUS -> status(io);
      case FLUSH -> {}
    }
    if (allocated != null && io.modifies()) {
      allocated.set((int) io.sector(), (int) io.end(), io.op() != Io.Op.DISCARD);
    }
    return null;
  }

  private void status(Io io) {
    boolean isHole = holes.test(io.sector());
    long end = io.sector() + 1;
    while (end < io.end() && holes.test(end) == isHole) {
      end++;
    }
    io.answer(!isHole, end - io.sector());
  }
}
