// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.dm.Target;
import org.anabranch.block.dm.TargetSpec;
import org.anabranch.block.dm.TargetType;
import org.anabranch.block.snapshot.Bounds;
import org.anabranch.block.snapshot.CowArguments;
import org.anabranch.block.snapshot.InvalidStores;
import org.anabranch.block.snapshot.MergeSpec;
import org.anabranch.block.snapshot.OriginSpec;
import org.anabranch.block.snapshot.SnapshotSpec;
import org.jspecify.annotations.Nullable;

/**
 * All origins of one {@link org.anabranch.block.dm.DeviceMapper}, and the target types that use
 * them. Targets form a group if they name the same origin device.
 */
public final class Origins {
  private static final class Entry {
    final OriginGroup group;
    int users;

    Entry(OriginGroup group) {
      this.group = group;
    }
  }

  private record CowUse(OriginGroup group, int users) {}

  private final Bounds bounds;
  private final InvalidStores invalidStores;
  private final Copier copier;
  private final Foreground foreground = new Foreground();

  @GuardedBy("this")
  private final IdentityHashMap<BlockDevice, Entry> origins = new IdentityHashMap<>();

  @GuardedBy("this")
  private final IdentityHashMap<BlockDevice, CowUse> cows = new IdentityHashMap<>();

  private Origins(Bounds bounds, InvalidStores invalidStores) {
    this.bounds = bounds;
    this.invalidStores = invalidStores;
    this.copier = new Copier(new BufferPool(bounds.copyBytes()));
  }

  /** The three types for one mapper, without a record of invalid stores. */
  public static List<TargetType> types(Bounds bounds) {
    return types(bounds, InvalidStores.NOT_KEPT);
  }

  /** The three types for one mapper. */
  public static List<TargetType> types(Bounds bounds, InvalidStores invalidStores) {
    Origins origins = new Origins(bounds, invalidStores);
    return List.of(origins.new OriginType(), origins.new SnapshotType(), origins.new MergeType());
  }

  private synchronized OriginGroup join(BlockDevice origin, @Nullable BlockDevice cow)
      throws TableException {
    Entry entry = origins.get(origin);
    OriginGroup group =
        entry == null
            ? new OriginGroup(origin, copier, foreground, bounds, invalidStores)
            : entry.group;
    if (cow != null) {
      CowUse use = cows.getOrDefault(cow, new CowUse(group, 0));
      if (!use.group.equals(group)) {
        throw new TableException(
            "COW device " + cow.name() + " belongs to origin " + use.group.origin.name());
      }
      cows.put(cow, new CowUse(group, use.users + 1));
    }
    if (entry == null) {
      entry = new Entry(group);
      origins.put(origin, entry);
    }
    entry.users++;
    return group;
  }

  private synchronized void leave(BlockDevice origin, @Nullable BlockDevice cow) {
    Entry entry = origins.get(origin);
    if (entry != null && --entry.users == 0) {
      origins.remove(origin);
    }
    CowUse use = cow == null ? null : cows.get(cow);
    if (cow != null && use != null) {
      if (use.users == 1) {
        cows.remove(cow);
      } else {
        cows.put(cow, new CowUse(use.group, use.users - 1));
      }
    }
  }

  private static BlockDevice open(TargetType.Context context, DeviceRef argument, String what)
      throws TableException {
    try {
      return context.open(argument);
    } catch (TableException e) {
      throw new TableException("Cannot get " + what + ": " + e.getMessage(), e);
    }
  }

  /** The origin must have the row's own sectors: they are not shifted ({@link OriginTarget}). */
  private static BlockDevice openOrigin(TargetType.Context context, DeviceRef argument, String what)
      throws TableException {
    BlockDevice origin = open(context, argument, what);
    if (context.length() > origin.sectors() - context.begin()) {
      throw new TableException(
          "%s too small for target: start=%d, len=%d, dev_size=%d"
              .formatted(origin.name(), context.begin(), context.length(), origin.sectors()));
    }
    return origin;
  }

  private final class OriginType implements TargetType {
    @Override
    public String name() {
      return "snapshot-origin";
    }

    @Override
    public String version() {
      return "v1.9.0";
    }

    @Override
    public OriginSpec read(List<String> words, Function<String, DeviceRef> devices)
        throws TableException {
      if (words.size() != 1) {
        throw new TableException("origin: incorrect number of arguments");
      }
      return new OriginSpec(devices.apply(words.getFirst()));
    }

    @Override
    public CompletionStage<Target> create(Context context, TargetSpec spec) throws TableException {
      BlockDevice origin = openOrigin(context, ((OriginSpec) spec).origin(), "target device");
      OriginGroup group = join(origin, null);
      return CompletableFuture.completedFuture(
          new OriginTarget(group, context, () -> leave(origin, null)));
    }
  }

  private CompletionStage<Target> create(
      TargetType.Context context, CowArguments arguments, boolean merge) throws TableException {
    BlockDevice origin = openOrigin(context, arguments.origin(), "origin device");
    BlockDevice cow = open(context, arguments.cow(), "COW device");
    if (merge && arguments.mergedOrigin()) {
      throw new TableException("merged_origin is for a snapshot that follows a merge");
    }
    if (cow.equals(origin)) {
      throw new TableException("COW device cannot be the same as origin device");
    }
    OriginGroup group = join(origin, cow);
    Runnable closed = () -> leave(origin, cow);
    CowTarget target =
        merge
            ? new MergeTarget(group, cow, arguments, context, closed)
            : new SnapshotTarget(group, cow, arguments, context, closed);
    return target
        .load()
        .whenComplete((loaded, failure) -> {
          if (failure != null) {
            closed.run();
          }
        });
  }

  private final class SnapshotType implements TargetType {
    @Override
    public String name() {
      return "snapshot";
    }

    @Override
    public String version() {
      return "v1.16.0";
    }

    @Override
    public SnapshotSpec read(List<String> words, Function<String, DeviceRef> devices)
        throws TableException {
      return new SnapshotSpec(CowArguments.read(words, devices));
    }

    @Override
    public CompletionStage<Target> create(Context context, TargetSpec spec) throws TableException {
      return Origins.this.create(context, ((SnapshotSpec) spec).arguments(), false);
    }
  }

  private final class MergeType implements TargetType {
    @Override
    public String name() {
      return "snapshot-merge";
    }

    @Override
    public String version() {
      return "v1.5.0";
    }

    @Override
    public MergeSpec read(List<String> words, Function<String, DeviceRef> devices)
        throws TableException {
      return new MergeSpec(CowArguments.read(words, devices));
    }

    @Override
    public CompletionStage<Target> create(Context context, TargetSpec spec) throws TableException {
      return Origins.this.create(context, ((MergeSpec) spec).arguments(), true);
    }
  }
}
