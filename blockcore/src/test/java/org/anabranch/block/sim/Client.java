// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.LongSupplier;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoCompletion;
import org.anabranch.block.IoError;
import org.jspecify.annotations.Nullable;

/**
 * Somebody who uses one device: keeps a few requests of every kind in flight, and holds every
 * answer against the model.
 */
final class Client {
  /** What the client's owner decides. */
  interface Owner {
    /** A flush that began at that time of the model's has succeeded. */
    void flushed(Client client, long begin);

    /** A request has failed: why that must not be, or null if it may. */
    @Nullable String failed(Client client, Io io, IoError error);

    /** The device on which a discard may discard, too; null if it does not. */
    default @Nullable ModelDevice passesDown(Client client) {
      return null;
    }
  }

  /** A request of this client's that has not ended. */
  private static final class Request {
    final Io io;
    final long stamp;
    final String text;
    ModelDevice.Request model;

    /** What the discard may do to the device that {@link Owner#passesDown} names. */
    @Nullable Runnable passed;

    Request(Io io, long stamp, ModelDevice.Request model) {
      this.io = io;
      this.stamp = stamp;
      this.text = io + (io.modifies() ? " w" + stamp : "");
      this.model = model;
    }

    @Override
    public String toString() {
      return text;
    }
  }

  private static final long MAX_PAUSE = 300_000;

  final String name;
  private final SimScheduler scheduler;
  private final SplittableRandom random;
  private final LongSupplier stamps;
  private final Overlaps overlaps;
  private final Owner owner;
  private final Map<Io, Request> inFlight = new LinkedHashMap<>();
  private ModelDevice model;
  private BlockDevice device;
  private boolean stopped = true;
  private boolean mayBeGone;
  private int pausing;
  private long ended;

  /**
   * @param name of the device, for messages
   * @param stamps gives write numbers that nobody has used
   */
  Client(
      String name,
      BlockDevice device,
      ModelDevice model,
      SimScheduler scheduler,
      SplittableRandom random,
      LongSupplier stamps,
      Overlaps overlaps,
      Owner owner) {
    this.name = name;
    this.device = device;
    this.model = model;
    this.scheduler = scheduler;
    this.random = random;
    this.stamps = stamps;
    this.overlaps = overlaps;
    this.owner = owner;
    scheduler.describe(() -> inFlight.isEmpty() ? "" : toString());
  }

  @Override
  public String toString() {
    return name + "'s user waits for " + inFlight.values();
  }

  ModelDevice model() {
    return model;
  }

  /** Requests that have ended so far. */
  long ended() {
    return ended;
  }

  /** Begins to keep {@code depth} requests in flight. */
  void start(int depth) {
    stopped = false;
    for (int i = pausing + inFlight.size(); i < depth; i++) {
      pause();
    }
  }

  /** Sends to another device from now on, which is the same to the user. */
  void move(BlockDevice next) {
    device = next;
  }

  /** The device that it used so far is removed: what waits there is never done. */
  void leave() {
    mayBeGone = true;
  }

  boolean mayBeGone() {
    return mayBeGone;
  }

  BlockDevice device() {
    return device;
  }

  /** Sends no more. */
  void stop() {
    stopped = true;
  }

  boolean idle() {
    return inFlight.isEmpty() && pausing == 0;
  }

  /**
   * While the device is suspended: whatever is in flight waits there, and will go to what {@code
   * next} says.
   */
  void redirect(ModelDevice next) {
    model = next;
    for (Request request : inFlight.values()) {
      request.model = model.begin(request.io, request.stamp);
    }
  }

  /** While the device is suspended: nothing that is in flight has done anything. */
  void retract() {
    for (Request request : inFlight.values()) {
      model.retract(request.model);
    }
  }

  private void pause() {
    pausing++;
    scheduler.schedule(
        () -> {
          pausing--;
          if (!stopped) {
            send();
          }
        },
        random.nextLong(MAX_PAUSE));
  }

  private void send() {
    long stamp = stamps.getAsLong();
    Io io = any(stamp, this::end);
    if (!overlaps.enter(io)) {
      pause();
      return;
    }
    submit(io, io.op() == Io.Op.WRITE ? stamp : 0);
  }

  private void submit(Io io, long stamp) {
    Request request = new Request(io, stamp, model.begin(io, stamp));
    ModelDevice below = io.op() == Io.Op.DISCARD ? owner.passesDown(this) : null;
    if (below != null) {
      ModelDevice.Request passed = below.begin(io, 0);
      request.passed = () -> below.end(passed, io, false);
    }
    inFlight.put(io, request);
    scheduler.trace(() -> name + " <- " + request);
    device.submit(io);
  }

  private void end(Io io, @Nullable IoError error) {
    Request request = inFlight.remove(io);
    if (request == null) {
      scheduler.fail(new AssertionError(name + ": " + io + " completed twice"));
      return;
    }
    overlaps.leave(io);
    ended++;
    if (request.passed != null) {
      request.passed.run();
    }
    scheduler.trace(() -> name + " -> " + request + (error == null ? "" : " " + error));
    String wrong;
    if (error != null) {
      wrong = owner.failed(this, io, error);
      if (error.kind() == IoError.Kind.NOT_SUPPORTED || error.kind() == IoError.Kind.GONE) {
        model.retract(request.model);
      } else {
        model.end(request.model, io, false);
      }
    } else {
      wrong = model.end(request.model, io, io.op() != Io.Op.DISCARD || discardZeroes());
      if (io.op() == Io.Op.FLUSH) {
        owner.flushed(this, request.model.begin);
      }
    }
    if (wrong != null) {
      scheduler.fail(new AssertionError(name + ": " + request + ": " + wrong));
    }
    if (!stopped) {
      pause();
    }
  }

  private boolean discardZeroes() {
    return device.limits().discardZeroes();
  }

  private Io any(long stamp, IoCompletion done) {
    int total = model.sectors();
    int count = 1 + random.nextInt(random.nextInt(4) == 0 ? 64 : 12);
    count = Math.min(count, total);
    int sector = random.nextInt(total - count + 1);
    if (random.nextInt(3) == 0) {
      sector /= 4;
    }
    if (random.nextInt(4) == 0) {
      sector = sector / 16 * 16;
      count = Math.min((count + 15) / 16 * 16, total - sector);
    }
    int kind = random.nextInt(100);
    if (kind < 38) {
      return Io.read(sector, ByteBuffer.allocate(count * 512), done);
    } else if (kind < 80) {
      return Io.write(sector, Stamp.fill(stamp, count), kind < 44, done);
    } else if (kind < 88) {
      return Io.flush(done);
    } else if (kind < 92) {
      return Io.discard(sector, count, done);
    } else if (kind < 96) {
      return Io.writeZeroes(sector, count, kind < 93, done);
    }
    return Io.blockStatus(sector, count, done);
  }

  /** Sends one write; does not wait for it. */
  void write(int sector, int count, boolean fua) {
    long stamp = stamps.getAsLong();
    submit(Io.write(sector, Stamp.fill(stamp, count), fua, this::end), stamp);
  }

  /** Sends one write of zeros; does not wait for it. */
  void writeZeroes(int sector, int count, boolean fua) {
    submit(Io.writeZeroes(sector, count, fua, this::end), 0);
  }

  /** Sends one discard; does not wait for it. */
  void discard(int sector, int count) {
    submit(Io.discard(sector, count, this::end), 0);
  }

  /** Sends one flush; does not wait for it. */
  void flush() {
    submit(Io.flush(this::end), 0);
  }

  /** Reads everything and holds it against the model; every 64 sectors are a request. */
  void verify() {
    for (int sector = 0; sector < model.sectors(); sector += 64) {
      int count = Math.min(64, model.sectors() - sector);
      Io io = Io.read(sector, ByteBuffer.allocate(count * 512), this::end);
      overlaps.enter(io);
      submit(io, 0);
    }
    scheduler.runUntil(inFlight::isEmpty, name + " to be read");
  }
}
