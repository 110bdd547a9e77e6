// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Scheduler;
import org.anabranch.block.count.Counts;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes a {@link Table} from a {@link TableSpec}: all targets, or none and nothing stays open. */
final class TableMaker {
  private static final Logger LOG = LoggerFactory.getLogger(TableMaker.class);

  private final Map<String, TargetType> types;
  private final Devices devices;
  private final Scheduler scheduler;

  TableMaker(Map<String, TargetType> types, Devices devices, Scheduler scheduler) {
    this.types = types;
    this.devices = devices;
    this.scheduler = scheduler;
  }

  /** Fails with a {@link RowException} if a target is refused. */
  CompletionStage<Table> make(MappedDevice device, TableSpec spec) {
    List<Table.Row> rows = new ArrayList<>();
    CompletionStage<@Nullable Void> made = CompletableFuture.completedFuture(null);
    for (int i = 0; i < spec.rows().size(); i++) {
      int at = i;
      made = made.thenCompose(done -> row(device, at, spec.rows().get(at)).thenAccept(rows::add));
    }
    return made.thenCompose(done -> table(rows))
        .exceptionallyCompose(failure -> undo(device, rows, Steps.cause(failure)));
  }

  private static CompletionStage<Table> table(List<Table.Row> rows) {
    Table table = new Table(rows);
    try {
      table.checkAlignment();
      return CompletableFuture.completedFuture(table);
    } catch (RowException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private static CompletionStage<Table> undo(
      MappedDevice device, List<Table.Row> rows, Throwable reason) {
    return Table.close(rows)
        .handle((done, failure) -> {
          if (failure != null) {
            FailureLog.error(LOG, device + ": close of a refused table failed", failure);
          }
          return reason;
        })
        .thenCompose(CompletableFuture::failedFuture);
  }

  private CompletionStage<Table.Row> row(MappedDevice device, int at, TableSpec.Row spec) {
    Row row = new Row(device, spec);
    return create(row, spec.target())
        .thenApply(row::with)
        .exceptionallyCompose(failure -> row.refused(at, Steps.cause(failure)));
  }

  private CompletionStage<Target> create(Row row, TargetSpec spec) {
    try {
      return TableText.type(types.values(), spec.type()).create(row, spec);
    } catch (TableException | RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /** The context of a target's constructor; records what it opens. */
  private final class Row implements TargetType.Context {
    private final MappedDevice device;
    private final TableSpec.Row spec;

    @GuardedBy("this")
    private final IdentityHashMap<BlockDevice, DeviceRef> references = new IdentityHashMap<>();

    @GuardedBy("this")
    private final List<BlockDevice> opened = new ArrayList<>();

    Row(MappedDevice device, TableSpec.Row spec) {
      this.device = device;
      this.spec = spec;
    }

    @Override
    public String deviceName() {
      return device.name();
    }

    @Override
    public long begin() {
      return spec.start();
    }

    @Override
    public long length() {
      return spec.length();
    }

    @Override
    public synchronized BlockDevice open(DeviceRef reference) throws TableException {
      BlockDevice below = devices.open(reference, device);
      opened.add(below);
      references.putIfAbsent(below, reference);
      return below;
    }

    @Override
    public DeviceRef reference(BlockDevice below) {
      DeviceRef given;
      synchronized (this) {
        given = references.get(below);
      }
      String name = given instanceof DeviceRef.AtPath ? null : devices.name(below);
      return name != null ? new DeviceRef.Named(name) : given(given, below);
    }

    private static DeviceRef given(@Nullable DeviceRef given, BlockDevice below) {
      return given != null ? given : new DeviceRef.Named(below.name());
    }

    @Override
    public Scheduler scheduler() {
      return scheduler;
    }

    @Override
    public Counts counts() {
      return device.counts();
    }

    @Override
    public void event() {
      device.events().raise();
    }

    synchronized Table.Row with(Target target) {
      return new Table.Row(spec.start(), spec.length(), target, opened, this::release);
    }

    /** Completes when everything that was opened only for this target is closed. */
    synchronized CompletionStage<@Nullable Void> release() {
      CompletableFuture<?>[] closing =
          opened.stream()
              .map(below -> devices.release(below, device).toCompletableFuture())
              .toArray(CompletableFuture<?>[]::new);
      opened.clear();
      return CompletableFuture.allOf(closing);
    }

    CompletionStage<Table.Row> refused(int at, Throwable reason) {
      RowException refusal =
          new RowException(
              at,
              reason instanceof TableException
                  ? String.valueOf(reason.getMessage())
                  : "failed: " + reason,
              reason);
      return release()
          .handle((done, failure) -> refusal)
          .thenCompose(CompletableFuture::failedFuture);
    }
  }
}
