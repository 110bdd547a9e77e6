// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.Limits;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.block.dm.SuspendMode;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.dm.Target;
import org.anabranch.block.dm.TargetSpec;
import org.anabranch.block.dm.TargetType;
import org.anabranch.block.snapshot.InvalidStores;
import org.anabranch.block.testing.FilterDevice;
import org.jspecify.annotations.Nullable;

/** Ways to make a {@link Machine} wrong. */
final class Sabotages {
  private Sabotages() {}

  /** Hands a request to {@code below} its own way. */
  interface Front {
    void submit(BlockDevice below, Io io, SimScheduler scheduler);
  }

  /** Hands a request to a target, or to the device below it, its own way. */
  interface Mapping {
    void map(Target target, BlockDevice below, Io io);

    /** The {@code nth} resume of a target, from 1 on. */
    default void resume(Target target, int nth) {
      target.resume();
    }
  }

  /** Changes the disks whose names begin so. */
  static Sabotage onDisk(String prefix, Consumer<SimDisk> change) {
    return new Sabotage() {
      @Override
      public BlockDevice device(SimDisk disk, BlockDevice device, SimScheduler scheduler) {
        if (disk.name().startsWith(prefix)) {
          change.accept(disk);
        }
        return device;
      }
    };
  }

  /** Puts something in front of the disks whose names begin so. */
  static Sabotage inFront(String prefix, Front front) {
    return new Sabotage() {
      @Override
      public BlockDevice device(SimDisk disk, BlockDevice device, SimScheduler scheduler) {
        return disk.name().startsWith(prefix) ? new FrontDevice(device, front, scheduler) : device;
      }
    };
  }

  /** The same where disks fail; it shows nowhere else. */
  static Sabotage inFrontOfFaults(String prefix, Front front) {
    Sabotage plain = inFront(prefix, front);
    return new Sabotage() {
      @Override
      public boolean needsFaults() {
        return true;
      }

      @Override
      public BlockDevice device(SimDisk disk, BlockDevice device, SimScheduler scheduler) {
        return plain.device(disk, device, scheduler);
      }
    };
  }

  /** What a store could not say itself is forgotten. */
  static Sabotage withoutInvalidStores() {
    return new Sabotage() {
      @Override
      public boolean needsFaults() {
        return true;
      }

      @Override
      public InvalidStores invalidStores(InvalidStores kept) {
        return new InvalidStores() {
          @Override
          public CompletionStage<@Nullable Void> add(BlockDevice cow) {
            return CompletableFuture.completedFuture(null);
          }

          @Override
          public CompletionStage<Boolean> contains(BlockDevice cow) {
            return CompletableFuture.completedFuture(false);
          }
        };
      }
    };
  }

  /** Tables of snapshots lack a feature. */
  static Sabotage withoutFeature(String feature) {
    return new Sabotage() {
      @Override
      public List<TargetType> types(List<TargetType> standard) {
        return standard.stream()
            .map(type -> type.name().equals("snapshot") ? new Featureless(type, feature) : type)
            .toList();
      }
    };
  }

  /** Puts something in front of the targets of a type. */
  static Sabotage target(String name, Mapping mapping) {
    return new Sabotage() {
      @Override
      public List<TargetType> types(List<TargetType> standard) {
        return standard.stream()
            .map(type -> type.name().equals(name) ? new FrontType(type, mapping) : type)
            .toList();
      }
    };
  }

  static void withoutFua(BlockDevice below, Io io, SimScheduler scheduler) {
    if (io.op() == Io.Op.WRITE && io.fua()) {
      below.submit(Io.write(io.sector(), io.data(), false, (ended, error) -> io.complete(error)));
    } else {
      below.submit(io);
    }
  }

  /** Nobody is told of a read that failed. */
  static void withoutReadErrors(BlockDevice below, Io io, SimScheduler scheduler) {
    if (io.op() == Io.Op.READ) {
      below.submit(Io.read(io.sector(), io.data(), (ended, error) -> io.complete(null)));
    } else {
      below.submit(io);
    }
  }

  /** Nobody is told of a flush that failed. */
  static void withoutFlushErrors(BlockDevice below, Io io, SimScheduler scheduler) {
    if (io.op() == Io.Op.FLUSH) {
      below.submit(Io.flush((ended, error) -> io.complete(null)));
    } else {
      below.submit(io);
    }
  }

  /** Zeros are not written. */
  static void withoutZeros(BlockDevice below, Io io, SimScheduler scheduler) {
    if (io.op() == Io.Op.WRITE && isZero(io.data())) {
      io.complete(null);
    } else {
      below.submit(io);
    }
  }

  /** Everything is said to be a hole. */
  static void withoutAllocation(Target target, BlockDevice below, Io io) {
    if (io.op() == Io.Op.BLOCK_STATUS) {
      io.answer(false, io.sectors());
      io.complete(null);
    } else {
      target.map(io);
    }
  }

  /** What is discarded on a snapshot is discarded on the origin, whoever needs it. */
  static void discardsBelow(Target target, BlockDevice below, Io io) {
    if (io.op() == Io.Op.DISCARD) {
      below.submit(Io.discard(io.sector(), io.sectors(), (ended, error) -> target.map(io)));
    } else {
      target.map(io);
    }
  }

  static void withoutPatience(BlockDevice below, Io io, SimScheduler scheduler) {
    if (io.op() == Io.Op.WRITE) {
      ByteBuffer copy = ByteBuffer.allocate(io.data().remaining()).put(io.data().duplicate());
      below.submit(Io.write(io.sector(), copy.flip(), io.fua(), (ended, error) -> {}));
      io.complete(null);
    } else {
      below.submit(io);
    }
  }

  /** Completes zeros early, and writes them late. */
  static void withLateZeros(BlockDevice below, Io io, SimScheduler scheduler) {
    if (io.op() == Io.Op.WRITE && !io.fua() && isZero(io.data())) {
      ByteBuffer copy = ByteBuffer.allocate(io.data().remaining());
      scheduler.execute(() -> below.submit(Io.write(io.sector(), copy, false, (e, error) -> {})));
      io.complete(null);
    } else {
      below.submit(io);
    }
  }

  /** Completes records that are written without FUA early, and writes them late. */
  static void withLateRecords(BlockDevice below, Io io, SimScheduler scheduler) {
    if (io.op() == Io.Op.WRITE && !io.fua() && isRecords(io.data())) {
      ByteBuffer copy = ByteBuffer.allocate(io.data().remaining()).put(io.data().duplicate());
      scheduler.execute(
          () -> below.submit(Io.write(io.sector(), copy.flip(), false, (ended, error) -> {})));
      io.complete(null);
    } else {
      below.submit(io);
    }
  }

  /** Whether it begins with a record, whose numbers are small; a {@link Stamp} is large so. */
  private static boolean isRecords(ByteBuffer data) {
    ByteBuffer words = data.slice().order(ByteOrder.LITTLE_ENDIAN);
    long old = words.getLong(0);
    long newChunk = words.getLong(8);
    return old >= 0 && old < 1 << 16 && newChunk > 0 && newChunk < 1 << 16;
  }

  private static boolean isZero(ByteBuffer data) {
    for (int at = data.position(); at < data.limit(); at++) {
      if (data.get(at) != 0) {
        return false;
      }
    }
    return true;
  }

  static void withoutMemory(BlockDevice below, Io io, SimScheduler scheduler) {
    if (io.op() == Io.Op.WRITE && scheduler.random().nextInt(100) == 0) {
      io.complete(null);
    } else {
      below.submit(io);
    }
  }

  static void withoutAnswer(BlockDevice below, Io io, SimScheduler scheduler) {
    if (scheduler.random().nextInt(300) > 0) {
      below.submit(io);
    }
  }

  static void withoutCopies(Target target, BlockDevice below, Io io) {
    if (io.op() == Io.Op.WRITE && io.sector() % 16 == 0) {
      below.submit(io);
    } else {
      target.map(io);
    }
  }

  static void withoutSecondFlush(Target target, BlockDevice below, Io io) {
    if (io.op() == Io.Op.FLUSH) {
      below.submit(io);
    } else {
      target.map(io);
    }
  }

  static void withoutCommit(Target target, BlockDevice below, Io io) {
    if (io.op() == Io.Op.WRITE) {
      ByteBuffer copy = ByteBuffer.allocate(io.data().remaining()).put(io.data().duplicate());
      target.map(Io.write(io.sector(), copy.flip(), io.fua(), (ended, error) -> {}));
      io.complete(null);
    } else {
      target.map(io);
    }
  }

  private static final class FrontDevice extends FilterDevice {
    private final Front front;
    private final SimScheduler scheduler;

    FrontDevice(BlockDevice below, Front front, SimScheduler scheduler) {
      super(below);
      this.front = front;
      this.scheduler = scheduler;
    }

    @Override
    public void submit(Io io) {
      front.submit(below, io, scheduler);
    }
  }

  private record Featureless(TargetType type, String feature) implements TargetType {
    @Override
    public String name() {
      return type.name();
    }

    @Override
    public String version() {
      return type.version();
    }

    @Override
    public TargetSpec read(List<String> words, Function<String, DeviceRef> devices)
        throws TableException {
      List<String> others = new ArrayList<>(words);
      if (others.remove(feature)) {
        others.set(4, Integer.toString(others.size() - 5));
      }
      return type.read(others, devices);
    }

    @Override
    public CompletionStage<Target> create(Context context, TargetSpec spec) throws TableException {
      return type.create(context, spec);
    }
  }

  private record FrontType(TargetType type, Mapping mapping) implements TargetType {
    @Override
    public String name() {
      return type.name();
    }

    @Override
    public String version() {
      return type.version();
    }

    @Override
    public TargetSpec read(List<String> words, Function<String, DeviceRef> devices)
        throws TableException {
      return type.read(words, devices);
    }

    @Override
    public CompletionStage<Target> create(Context context, TargetSpec spec) throws TableException {
      return type.create(context, spec)
          .thenApply(target ->
              new FrontTarget(target, mapping, opened(context, spec), new AtomicInteger()));
    }

    private static BlockDevice opened(Context context, TargetSpec spec) {
      try {
        return context.open(spec.devices().getFirst());
      } catch (TableException e) {
        throw new IllegalArgumentException(e);
      }
    }
  }

  private record FrontTarget(
      Target target, Mapping mapping, BlockDevice below, AtomicInteger resumed) implements Target {
    @Override
    public void map(Io io) {
      mapping.map(target, below, io);
    }

    @Override
    public CompletionStage<@Nullable Void> preresume() {
      return target.preresume();
    }

    @Override
    public void resume() {
      mapping.resume(target, resumed.incrementAndGet());
    }

    @Override
    public CompletionStage<@Nullable Void> presuspend(SuspendMode mode) {
      return target.presuspend(mode);
    }

    @Override
    public void postsuspend() {
      target.postsuspend();
    }

    @Override
    public CompletionStage<@Nullable Void> close() {
      return target.close();
    }

    @Override
    public Limits limits() {
      return target.limits();
    }

    @Override
    public String status() {
      return target.status();
    }

    @Override
    public TargetSpec spec() {
      return target.spec();
    }

    @Override
    public CompletionStage<String> message(List<String> words) throws TableException {
      return target.message(words);
    }
  }
}
