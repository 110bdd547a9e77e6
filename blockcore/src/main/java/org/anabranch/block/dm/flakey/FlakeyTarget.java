// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm.flakey;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.anabranch.block.Scheduler;
import org.anabranch.block.dm.Area;
import org.anabranch.block.dm.AreaSpec;
import org.anabranch.block.dm.Arguments;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.dm.Target;
import org.anabranch.block.dm.TargetSpec;
import org.anabranch.block.dm.TargetType;

/**
 * {@code flakey} - works for a while, then fails for a while, in turns.
 *
 * <pre>
 * start length flakey device offset up down [count feature...]
 * </pre>
 *
 * <p><b>Arguments.</b> An area as in {@code linear}; {@code up} and {@code down}: whole seconds,
 * not both 0, counted from the creation of the table. While the target is up, it passes requests
 * on. While it is down, one or more {@code feature}s apply ({@code count} is the number of words
 * that follow):
 *
 * <ul>
 *   <li>{@code drop_writes}: writes, discards, zeroes and flushes are dropped and succeed
 *   <li>{@code error_writes}: the same requests fail with {@link IoError.Kind#IO}
 *   <li>{@code error_reads}: reads fail with the same error
 *   <li>{@code corrupt_bio_byte position r|w value flags}: the byte at {@code position}, from 1, of
 *       each read or write becomes {@code value}, 0 to 255; {@code flags}, which may be 0, limits
 *       this to requests that have all of these bits of Linux (see {@link Corruption})
 *   <li>none of them: {@code error_reads} and {@code error_writes}
 * </ul>
 *
 * <p><b>Status.</b> Empty.
 *
 * <p><b>Refuses</b> an area as {@code linear} does; intervals that are not numbers, are both 0 or
 * have too large a sum; and features that are unknown, repeated, contradictory or lack parameters.
 * Linux's {@code random_read_corrupt} and {@code random_write_corrupt} do not exist here.
 *
 * <p><b>Failure modes.</b> Those above. They are intended and not logged. The buffer of a write is
 * never changed: a copy is corrupted.
 */
public final class FlakeyTarget implements Target {
  private final Area area;
  private final long up;
  private final long down;
  private final Features features;
  private final Scheduler scheduler;
  private final long begin;

  private FlakeyTarget(Area area, FlakeySpec spec, Scheduler scheduler) {
    this.area = area;
    this.up = spec.up();
    this.down = spec.down();
    this.features = spec.features();
    this.scheduler = scheduler;
    this.begin = scheduler.nanoTime();
  }

  private boolean isDown() {
    long seconds = TimeUnit.NANOSECONDS.toSeconds(scheduler.nanoTime() - begin);
    return seconds % (up + down) >= up;
  }

  @Override
  public void map(Io io) {
    if (io.op() == Io.Op.BLOCK_STATUS || !isDown()) {
      area.submit(io);
    } else if (io.op() == Io.Op.READ) {
      read(io);
    } else {
      write(io);
    }
  }

  private void read(Io io) {
    Corruption corruption = features.corruption();
    if (features.errorReads()) {
      io.complete(IoError.io(io.sector(), "flakey target is down: read", null));
      return;
    }
    if (corruption != null && corruption.hits(io)) {
      io.push((done, error) -> {
        if (error == null) {
          corruption.apply(done.data());
        }
        done.complete(error);
      });
    }
    area.submit(io);
  }

  private void write(Io io) {
    Corruption corruption = features.corruption();
    if (features.dropWrites()) {
      io.complete(null);
    } else if (features.errorWrites()) {
      io.complete(IoError.io(io.sector(), "flakey target is down: write", null));
    } else if (corruption != null && corruption.hits(io)) {
      ByteBuffer data = io.data();
      ByteBuffer copy = ByteBuffer.allocateDirect(data.remaining());
      copy.put(0, data, data.position(), data.remaining());
      corruption.apply(copy);
      area.submit(Io.write(io.sector(), copy, io.fua(), (done, error) -> io.complete(error)));
    } else {
      area.submit(io);
    }
  }

  @Override
  public Limits limits() {
    return area.device().limits();
  }

  @Override
  public TargetSpec spec() {
    return new FlakeySpec(area.spec(), up, down, features);
  }

  /** {@code flakey} in tables. */
  public static final class Type implements TargetType {
    @Override
    public String name() {
      return "flakey";
    }

    @Override
    public String version() {
      return "v1.5.0";
    }

    @Override
    public FlakeySpec read(List<String> words, Function<String, DeviceRef> devices)
        throws TableException {
      if (words.size() < 4) {
        throw new TableException("Invalid argument count: at least 4 are wanted");
      }
      long max = FlakeySpec.MAX_SECONDS;
      long up = Arguments.number(words.get(2), 0, max, "Invalid up interval");
      long down = Arguments.number(words.get(3), 0, max, "Invalid down interval");
      if (up + down == 0) {
        throw new TableException("Total (up + down) interval is zero");
      }
      if (up + down > max) {
        throw new TableException("Interval overflow");
      }
      Features features = Features.parse(words.subList(4, words.size()));
      AreaSpec area = AreaSpec.read(words.get(0), words.get(1), devices);
      return new FlakeySpec(area, up, down, features);
    }

    @Override
    public CompletionStage<Target> create(Context context, TargetSpec spec) throws TableException {
      FlakeySpec flakey = (FlakeySpec) spec;
      Area area = Area.open(context, flakey.area());
      return CompletableFuture.completedFuture(new FlakeyTarget(area, flakey, context.scheduler()));
    }
  }
}
