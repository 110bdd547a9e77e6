// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import java.util.ArrayDeque;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;

/** A disk in memory that can hold its requests back. Thread-safe. */
public final class MemoryDisk implements BlockDevice {
  private static final int SECTOR = 512;

  private final byte[] bytes;

  /** Guarded by this. */
  private final ArrayDeque<Io> held = new ArrayDeque<>();

  /** Guarded by this. */
  private boolean holding;

  public MemoryDisk(int sectors) {
    bytes = new byte[sectors * SECTOR];
  }

  public byte[] bytes() {
    return bytes;
  }

  /** From now on requests wait. */
  public synchronized void hold() {
    holding = true;
  }

  public synchronized int heldCount() {
    return held.size();
  }

  /** Waits until this many requests are held back. */
  public synchronized void awaitHeld(int count) throws InterruptedException {
    while (held.size() < count) {
      wait();
    }
  }

  /** Runs what waits, and holds nothing back any more. */
  public void letGo() {
    while (true) {
      Io io;
      synchronized (this) {
        holding = false;
        io = held.poll();
      }
      if (io == null) {
        return;
      }
      run(io);
    }
  }

  /** Runs the oldest request that waits, if there is one; others go on being held back. */
  public boolean runOne() {
    Io io;
    synchronized (this) {
      io = held.poll();
    }
    if (io != null) {
      run(io);
    }
    return io != null;
  }

  @Override
  public String name() {
    return "memory";
  }

  @Override
  public long sectors() {
    return bytes.length / SECTOR;
  }

  @Override
  public Limits limits() {
    return Limits.DEFAULT;
  }

  @Override
  public void submit(Io io) {
    synchronized (this) {
      if (holding) {
        held.add(io);
        notifyAll();
        return;
      }
    }
    run(io);
  }

  private void run(Io io) {
    if (io.end() > sectors()) {
      io.complete(IoError.outOfRange(io, sectors()));
      return;
    }
    int at = (int) io.sector() * SECTOR;
    synchronized (bytes) {
      switch (io.op()) {
        case READ -> io.data().duplicate().put(bytes, at, io.data().remaining());
        case WRITE -> io.data().duplicate().get(bytes, at, io.data().remaining());
        case DISCARD, WRITE_ZEROES ->
            java.util.Arrays.fill(bytes, at, at + (int) io.sectors() * SECTOR, (byte) 0);
        case BLOCK_STATUS -> io.answer(true, io.sectors());
        case FLUSH -> {}
      }
    }
    io.complete(null);
  }
}
