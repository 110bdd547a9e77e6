// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.sim;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.anabranch.block.sim.SimScheduler;
import org.jspecify.annotations.Nullable;

/**
 * A TCP connection: two streams of bytes, each in order. What happens to bytes?
 *
 * <pre>
 *   usually          they come after 10 to 200 microseconds, in pieces of any size
 *   a loss           they come when TCP has sent them once more, and all behind them later still
 *   a silent link    nothing comes any more, either way, and nobody is told
 *   a cut            both ends are told, at different times; what was under way is lost
 * </pre>
 *
 * No more is under way to a reader than its window has room for.
 */
final class SimLink {
  private static final long MAX_LATENCY = 200_000;
  private static final long RETRANSMISSION = 200_000_000;

  /** One way. */
  private final class Way {
    private final Consumer<byte[]> arrive;
    private final Runnable end;
    private final Runnable room;
    private final int window;
    private int unread;
    private boolean blocked;
    private long last;

    Way(Consumer<byte[]> arrive, Runnable end, Runnable room, int window) {
      this.arrive = arrive;
      this.end = end;
      this.room = room;
      this.window = window;
    }

    int room() {
      blocked |= unread >= window;
      return Math.max(0, window - unread);
    }

    void send(byte[] bytes) {
      unread += bytes.length;
      for (int at = 0; at < bytes.length; ) {
        int count =
            Math.min(bytes.length - at, 1 + random.nextInt(random.nextInt(3) == 0 ? 60 : 9000));
        byte[] piece = Arrays.copyOfRange(bytes, at, at + count);
        later(() -> arrive.accept(piece));
        at += count;
      }
    }

    void end() {
      later(end);
    }

    private void later(Runnable event) {
      long delay = 10_000 + random.nextLong(MAX_LATENCY);
      if (random.nextInt(2000) == 0) {
        delay += RETRANSMISSION;
      }
      last = Math.max(last + 1, scheduler.nanoTime() + delay);
      scheduler.schedule(
          () -> {
            if (!silent && !cut) {
              event.run();
            }
          },
          last - scheduler.nanoTime());
    }

    /** The reader has read something; the writer hears of it later. */
    void read(int count) {
      if (count > 0 && !silent && !cut) {
        scheduler.schedule(
            () -> {
              unread -= count;
              if (blocked && !silent && !cut) {
                blocked = false;
                room.run();
              }
            },
            random.nextLong(MAX_LATENCY));
      }
    }
  }

  private final SimScheduler scheduler;
  private final SplittableRandom random;
  private final SimWire initiator;
  private final Way toInitiator;
  private final Way toTarget;
  private @Nullable SimChannel channel;
  private boolean silent;
  private boolean cut;

  SimLink(SimScheduler scheduler, SplittableRandom random, SimWire initiator) {
    this.scheduler = scheduler;
    this.random = random;
    this.initiator = initiator;
    int window = 2048 << random.nextInt(8);
    toInitiator = new Way(initiator::arrived, initiator::closed, () -> channel().room(), window);
    toTarget =
        new Way(
            bytes -> channel().arrived(bytes),
            () -> channel().arrivedEnd(),
            () -> {},
            Integer.MAX_VALUE);
  }

  void attach(SimChannel end) {
    channel = end;
  }

  private SimChannel channel() {
    if (channel == null) {
      throw new IllegalStateException("not connected");
    }
    return channel;
  }

  // --- the initiator's end -------------------------------------------------------------------

  void sendFromInitiator(byte[] bytes) {
    toTarget.send(bytes);
  }

  void readByInitiator(int count) {
    toInitiator.read(count);
  }

  void endFromInitiator() {
    toTarget.end();
  }

  // --- the target's end ----------------------------------------------------------------------

  int roomForTarget() {
    return toInitiator.room();
  }

  void sendFromTarget(byte[] bytes) {
    toInitiator.send(bytes);
  }

  void readByTarget(int count) {
    toTarget.read(count);
  }

  void endFromTarget() {
    toInitiator.end();
  }

  void closedByTarget() {
    toInitiator.end();
  }

  /** Whether what is sent comes. */
  boolean isHealthy() {
    return !silent && !cut;
  }

  // --- what happens to it --------------------------------------------------------------------

  /** Nothing comes through any more, and nobody is told. */
  void silence() {
    silent = true;
  }

  /** Both ends are told that the connection is gone. */
  void cut() {
    if (!cut) {
      cut = true;
      scheduler.schedule(() -> channel().reset(), random.nextLong(MAX_LATENCY));
      scheduler.schedule(initiator::closed, random.nextLong(MAX_LATENCY));
    }
  }
}
