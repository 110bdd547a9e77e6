// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.testing;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.LongPredicate;
import java.util.function.Predicate;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.anabranch.block.Scheduler;
import org.jspecify.annotations.Nullable;

/**
 * The device that tests put below the code under test: a {@link MemoryDevice} that keeps a log of
 * its requests and can hold them back, delay them or fail them. Without any of that it completes a
 * request inside {@link #submit}. Any thread.
 */
public class TestDevice extends FilterDevice {
  private static final int SECTOR = 512;

  /** The log keeps the newest requests only, since some tests send very many. */
  private static final int MAX_LOG = 10_000;

  private final MemoryDevice memory;

  // All fields below are guarded by this.
  private final ArrayDeque<String> log = new ArrayDeque<>();
  private final ArrayDeque<Io> held = new ArrayDeque<>();
  private Predicate<Io> hold = io -> false;
  private Function<Io, @Nullable IoError> fault = io -> null;
  private @Nullable Scheduler slowness;
  private long writeNanos;
  private int flushes;
  private int discards;
  private int durableWrites;

  public TestDevice(long sectors) {
    this("memory", sectors);
  }

  public TestDevice(String name, long sectors) {
    this(name, new byte[Math.toIntExact(sectors * SECTOR)]);
  }

  public TestDevice(String name, byte[] content) {
    this(new MemoryDevice(name, content));
  }

  private TestDevice(MemoryDevice memory) {
    super(memory);
    this.memory = memory;
  }

  public final TestDevice limits(Limits newLimits) {
    memory.limits(newLimits);
    return this;
  }

  /** Allocates sectors only when they are written. */
  public final TestDevice thin() {
    memory.thin();
    return this;
  }

  /** Sets which sectors block status requests report as holes; writes do not change them. */
  public final void holes(LongPredicate isHole) {
    memory.holes(isHole);
  }

  /** Fills each sector n with lines {@code TAG:%013d\n}. */
  public final TestDevice pattern(char tag) {
    for (int sector = 0; sector < sectors(); sector++) {
      pattern(tag, sector).get(0, bytes(), sector * SECTOR, SECTOR);
    }
    return this;
  }

  /** A sector of the pattern. */
  public static ByteBuffer pattern(char tag, long sector) {
    byte[] line = "%c:%013d\n".formatted(tag, sector).getBytes(StandardCharsets.US_ASCII);
    ByteBuffer data = ByteBuffer.allocateDirect(SECTOR);
    while (data.hasRemaining()) {
      data.put(line);
    }
    return data.flip();
  }

  /** The content itself. Look at it while no request is in flight. */
  public final byte[] bytes() {
    return memory.bytes();
  }

  public final void grow(long sectors) {
    memory.grow(sectors);
  }

  /** The requests that have arrived, such as {@code WRITE FUA 8+8}. */
  public final synchronized List<String> log() {
    return List.copyOf(log);
  }

  public final synchronized void clearLog() {
    log.clear();
  }

  /** Fails requests with this error from now on; null lets a request succeed. */
  public final synchronized void fault(Function<Io, @Nullable IoError> newFault) {
    fault = newFault;
  }

  /** Fails all requests from now on; null ends that. */
  public final void fail(IoError.@Nullable Kind kind, long sector) {
    fault(io -> kind == null ? null : new IoError(kind, sector, "injected", null));
  }

  /** Fails requests for this sector from now on; -1 ends that. */
  public final void failAt(long sector) {
    fault(io ->
        sector >= io.sector() && sector < io.end()
            ? new IoError(IoError.Kind.IO, sector, "injected", null)
            : null);
  }

  /** Delays each write and discard from now on. */
  public final synchronized void slow(Scheduler scheduler, long nanos) {
    slowness = scheduler;
    writeNanos = nanos;
  }

  /** Holds back all requests from now on. */
  public final void hold() {
    hold(io -> true);
  }

  /** Holds back the requests that match from now on; earlier ones stay held. */
  public final synchronized void hold(Predicate<Io> which) {
    hold = which;
  }

  /** The requests that are held back, the oldest first. */
  public final synchronized List<Io> held() {
    return List.copyOf(held);
  }

  public final synchronized int heldCount() {
    return held.size();
  }

  /** Waits until so many requests are held back. */
  public final synchronized void awaitHeld(int count) throws InterruptedException {
    while (held.size() < count) {
      wait();
    }
  }

  /** Serves what is held back now, and goes on holding. */
  public final void release() {
    List<Io> now;
    synchronized (this) {
      now = List.copyOf(held);
      held.clear();
    }
    now.forEach(this::serve);
  }

  /** Serves the oldest request that is held back; false if there is none. */
  public final boolean releaseOne() {
    Io io;
    synchronized (this) {
      io = held.poll();
    }
    if (io != null) {
      serve(io);
    }
    return io != null;
  }

  /** Serves what is held back and holds nothing from now on. */
  public final void letGo() {
    hold(io -> false);
    while (releaseOne()) {
      // The next one.
    }
  }

  /** Takes back the oldest request that is held back, for {@link #serve}. */
  public final synchronized Io takeOldest() {
    return Objects.requireNonNull(held.poll());
  }

  /** Takes back the newest request that is held back, for {@link #serve}. */
  public final synchronized Io takeNewest() {
    return Objects.requireNonNull(held.pollLast());
  }

  /** The number of flushes served. */
  public final synchronized int flushes() {
    return flushes;
  }

  /** The number of discards served. */
  public final synchronized int discards() {
    return discards;
  }

  /** The number of writes served with FUA, those of zeros included. */
  public final synchronized int durableWrites() {
    return durableWrites;
  }

  @Override
  public final void submit(Io io) {
    Scheduler delays = null;
    long nanos;
    synchronized (this) {
      log.add(io.toString());
      if (log.size() > MAX_LOG) {
        log.remove();
      }
      if (hold.test(io)) {
        held.add(io);
        notifyAll();
        return;
      }
      nanos = writeNanos;
      if (nanos > 0 && io.modifies()) {
        delays = slowness;
      }
    }
    if (delays == null) {
      serve(io);
    } else {
      delays.schedule(() -> serve(io), nanos);
    }
  }

  /** Serves a request now: fails it or passes it to the memory. */
  public final void serve(Io io) {
    IoError error;
    synchronized (this) {
      error = io.end() > sectors() ? null : fault.apply(io);
      if (error == null) {
        count(io);
      }
    }
    if (error == null) {
      below.submit(io);
    } else {
      io.complete(error);
    }
  }

  private void count(Io io) {
    switch (io.op()) {
      case FLUSH -> flushes++;
      case DISCARD -> discards++;
      case WRITE, WRITE_ZEROES -> durableWrites += io.fua() ? 1 : 0;
      case READ, BLOCK_STATUS -> {}
    }
  }
}
