// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm.delay;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.stream.Stream;
import org.anabranch.block.Io;
import org.anabranch.block.Limits;
import org.anabranch.block.dm.Area;
import org.anabranch.block.dm.AreaSpec;
import org.anabranch.block.dm.Arguments;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.block.dm.SuspendMode;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.dm.Target;
import org.anabranch.block.dm.TargetSpec;
import org.anabranch.block.dm.TargetType;
import org.jspecify.annotations.Nullable;

/**
 * {@code delay} - passes requests on after a delay.
 *
 * <pre>
 * start length delay device offset ms [device offset ms [device offset ms]]
 * </pre>
 *
 * <p><b>Arguments.</b> The first three are for reads and block status requests, the next three for
 * writes, discards and zeroes, the last three for flushes. A missing group is the same as the one
 * before it. {@code ms}: milliseconds; 0 means no delay.
 *
 * <p><b>Status.</b> Three numbers: delayed reads, writes and flushes.
 *
 * <p><b>Refuses</b> any other number of arguments than 3, 6 or 9, an area as {@code linear} does,
 * and a delay that is not a number from 0 to 4294967295.
 *
 * <p><b>Failure modes.</b> None of its own. At most {@link DelayLine#MAX} requests of a class wait;
 * one more passes the oldest on early. A suspend passes all on at once.
 */
public final class DelayTarget implements Target {
  private final DelayLine reads;
  private final DelayLine writes;
  private final DelayLine flushes;
  private final int given;

  private DelayTarget(List<DelayLine> lines, int given) {
    this.reads = lines.get(0);
    this.writes = lines.get(1);
    this.flushes = lines.get(2);
    this.given = given;
  }

  @Override
  public void map(Io io) {
    switch (io.op()) {
      case READ, BLOCK_STATUS -> reads.take(io);
      case WRITE, DISCARD, WRITE_ZEROES -> writes.take(io);
      case FLUSH -> flushes.take(io);
    }
  }

  @Override
  public CompletionStage<@Nullable Void> presuspend(SuspendMode mode) {
    reads.hurry();
    writes.hurry();
    flushes.hurry();
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public void resume() {
    reads.delay();
    writes.delay();
    flushes.delay();
  }

  @Override
  public Limits limits() {
    Limits read = reads.area().device().limits();
    Limits write = writes.area().device().limits();
    return new Limits(
        Math.max(read.logicalBlockSize(), write.logicalBlockSize()),
        Math.max(read.physicalBlockSize(), write.physicalBlockSize()),
        write.readOnly(),
        write.discards(),
        write.discardZeroes(),
        write.discardGranularity(),
        read.holesReadZero());
  }

  @Override
  public String status() {
    return reads.waiting() + " " + writes.waiting() + " " + flushes.waiting();
  }

  @Override
  public TargetSpec spec() {
    List<DelaySpec.Delay> classes =
        Stream.of(reads, writes, flushes).limit(given).map(DelayLine::spec).toList();
    return new DelaySpec(classes);
  }

  /** {@code delay} in tables. */
  public static final class Type implements TargetType {
    @Override
    public String name() {
      return "delay";
    }

    @Override
    public String version() {
      return "v1.5.0";
    }

    @Override
    public DelaySpec read(List<String> words, Function<String, DeviceRef> devices)
        throws TableException {
      int given = words.size() / 3;
      if (words.size() % 3 != 0 || given < 1 || given > 3) {
        throw new TableException("Requires exactly 3, 6 or 9 arguments");
      }
      List<DelaySpec.Delay> classes = new ArrayList<>(given);
      for (int i = 0; i < words.size(); i += 3) {
        AreaSpec area = AreaSpec.read(words.get(i), words.get(i + 1), devices);
        classes.add(
            new DelaySpec.Delay(
                area,
                Arguments.number(words.get(i + 2), 0, DelaySpec.MAX_MILLIS, "Invalid delay")));
      }
      return new DelaySpec(classes);
    }

    @Override
    public CompletionStage<Target> create(Context context, TargetSpec spec) throws TableException {
      List<DelaySpec.Delay> classes = ((DelaySpec) spec).classes();
      List<DelayLine> lines = new ArrayList<>(3);
      for (int i = 0; i < 3; i++) {
        DelaySpec.Delay one = classes.get(Math.min(i, classes.size() - 1));
        Area area = Area.open(context, one.area());
        lines.add(new DelayLine(area, one.millis(), context.scheduler()));
      }
      return CompletableFuture.completedFuture(new DelayTarget(lines, classes.size()));
    }
  }
}
