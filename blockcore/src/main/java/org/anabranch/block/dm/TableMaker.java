// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Scheduler;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes a {@link Table} from its lines: all of its targets, or none, and nothing kept open. */
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

  /** Fails with a {@link TableException} that names the line. */
  CompletionStage<Table> make(MappedDevice device, List<TableLine> lines) {
    List<Table.Row> rows = new ArrayList<>();
    CompletionStage<@Nullable Void> made = CompletableFuture.completedFuture(null);
    for (TableLine line : lines) {
      made = made.thenCompose(done -> row(device, line).thenAccept(rows::add));
    }
    return made.thenCompose(done -> table(rows))
        .handle((table, failure) ->
            failure == null
                ? CompletableFuture.completedFuture(table)
                : undo(device, rows, Steps.cause(failure)))
        .thenCompose(stage -> stage);
  }

  private static CompletionStage<Table> table(List<Table.Row> rows) {
    Table table = new Table(rows);
    try {
      table.checkAlignment();
      return CompletableFuture.completedFuture(table);
    } catch (TableException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private static CompletionStage<Table> undo(
      MappedDevice device, List<Table.Row> rows, Throwable reason) {
    return Table.close(rows)
        .handle((done, failure) -> {
          if (failure != null) {
            LOG.error("{}: close of a refused table failed", device, failure);
          }
          return CompletableFuture.<Table>failedFuture(reason);
        })
        .thenCompose(stage -> stage);
  }

  private CompletionStage<Table.Row> row(MappedDevice device, TableLine line) {
    TargetType type = types.get(line.type());
    if (type == null) {
      return CompletableFuture.failedFuture(
          line.refusal("unknown target type; there are " + String.join(", ", types.keySet())));
    }
    Row row = new Row(device, line);
    return create(type, row)
        .handle((target, failure) ->
            failure == null
                ? CompletableFuture.completedFuture(new Table.Row(line, target, row::release))
                : row.refused(Steps.cause(failure)))
        .thenCompose(stage -> stage);
  }

  private static CompletionStage<Target> create(TargetType type, Row row) {
    try {
      return type.create(row, row.line.arguments());
    } catch (RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /** What a target's constructor is given; remembers what it opened. */
  private final class Row implements TargetType.Context {
    private final MappedDevice device;
    private final TableLine line;
    private final List<BlockDevice> opened = new ArrayList<>(); // guarded by this

    Row(MappedDevice device, TableLine line) {
      this.device = device;
      this.line = line;
    }

    @Override
    public String deviceName() {
      return device.name();
    }

    @Override
    public long begin() {
      return line.start();
    }

    @Override
    public long length() {
      return line.length();
    }

    @Override
    public synchronized BlockDevice open(String argument) throws TableException {
      BlockDevice below = devices.open(argument, device);
      opened.add(below);
      return below;
    }

    @Override
    public Scheduler scheduler() {
      return scheduler;
    }

    @Override
    public void event() {
      device.events().raise();
    }

    /** Done when what was opened for this target only is closed. */
    synchronized CompletionStage<@Nullable Void> release() {
      CompletableFuture<?>[] closing =
          opened.stream()
              .map(below -> devices.release(below, device).toCompletableFuture())
              .toArray(CompletableFuture<?>[]::new);
      opened.clear();
      return CompletableFuture.allOf(closing);
    }

    CompletableFuture<Table.Row> refused(Throwable reason) {
      CompletableFuture<Table.Row> refusal = new CompletableFuture<>();
      TableException exception =
          reason instanceof TableException
              ? line.refusal(String.valueOf(reason.getMessage()), reason)
              : line.refusal("failed: " + reason, reason);
      release().whenComplete((done, failure) -> refusal.completeExceptionally(exception));
      return refusal;
    }
  }
}
