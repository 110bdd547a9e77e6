// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.Scheduler;
import org.jspecify.annotations.Nullable;

/**
 * All mapped devices, by name, with the verbs of {@code dmsetup}. Tables are values ({@link
 * TableSpec}); a verb that takes text parses it as dmsetup does.
 *
 * <p>A refused verb reports a {@link TableException} in the words of dmsetup and the kernel: a verb
 * that returns a value throws it, one that returns a stage fails the stage with it. The verbs of
 * one device run one at a time, in the order of the calls; those of different devices do not wait
 * for each other. A stage may complete on any thread, and never while a lock is held.
 *
 * <p>Any thread may call.
 */
public final class DeviceMapper {
  /** The longest name of a device, in characters. */
  public static final int MAX_NAME = 127;

  private final Scheduler scheduler;
  private final Map<String, TargetType> types = new TreeMap<>(); // never changed after construction
  private final Devices devices;
  private final TableMaker tables;

  /**
   * Creates a mapper without devices.
   *
   * @param scheduler clock and executor of all targets
   * @param opener opens the paths that tables name
   * @param types the target types that tables may use
   */
  public DeviceMapper(Scheduler scheduler, PathOpener opener, Collection<TargetType> types) {
    this.scheduler = scheduler;
    this.devices = new Devices(opener);
    types.forEach(type -> this.types.put(type.name(), type));
    this.tables = new TableMaker(this.types, devices, scheduler);
  }

  /**
   * Makes {@code device} available to tables as {@code name}. {@link #removeVolume} closes it if it
   * is a {@link org.anabranch.block.BackingDevice}.
   */
  public void addVolume(String name, BlockDevice device) throws TableException {
    devices.add(name, device);
  }

  /** Removes a volume and closes it; refused while it is open. */
  public CompletionStage<@Nullable Void> removeVolume(String name) {
    return Steps.begin(() -> devices.removeVolume(name));
  }

  /** Opens what {@code argument} names: a mapped device, a volume, or a path. */
  public OpenDevice open(String argument) throws TableException {
    return open(TableText.reference(argument, devices.names()));
  }

  /** Opens a device and holds it open. */
  public OpenDevice open(DeviceRef device) throws TableException {
    return new OpenDevice(devices, devices.open(device, null));
  }

  /**
   * Reads a table's text. A word means the device of that name if there is one now, otherwise a
   * path.
   *
   * @throws TableException names the line and the reason of the first error
   */
  public TableSpec read(String text) throws TableException {
    return read(TableLine.parse(text), devices.names());
  }

  /**
   * Reads the lines of a table.
   *
   * @param names the words that name devices; other words are paths
   */
  public TableSpec read(List<TableLine> lines, Collection<String> names) throws TableException {
    return TableText.read(lines, types.values(), word -> TableText.reference(word, names));
  }

  /** Creates a device without a table. */
  public CompletionStage<MappedDevice> create(String name) {
    MappedDevice device = new MappedDevice(name, scheduler);
    return Steps.begin(() -> {
      devices.add(name, device);
      return CompletableFuture.completedFuture(device);
    });
  }

  /**
   * Makes a device that was just created one whose writes fail with {@link
   * org.anabranch.block.IoError.Kind#READ_ONLY}, whatever its tables.
   */
  public void makeReadOnly(String name) throws TableException {
    devices.mapped(name).makeReadOnly();
  }

  /** Creates a device, loads {@code table} and resumes it. If any step fails, nothing is left. */
  public CompletionStage<MappedDevice> create(String name, TableSpec table) {
    return create(name, device -> load(device, table));
  }

  /** The same with a table as text. */
  public CompletionStage<MappedDevice> create(String name, String table) {
    return create(name, device -> load(device, table));
  }

  private CompletionStage<MappedDevice> create(
      String name, Function<MappedDevice, CompletionStage<@Nullable Void>> load) {
    return create(name)
        .thenCompose(device ->
            load.apply(device)
                .thenCompose(done -> device.resume())
                .thenApply(done -> device)
                .exceptionallyCompose(failure ->
                    remove(device)
                        .thenCompose(
                            gone -> CompletableFuture.failedFuture(Steps.cause(failure)))));
  }

  /** Loads a table for the next resume, in place of one loaded before. */
  public CompletionStage<@Nullable Void> load(String name, TableSpec table) {
    return with(name, device -> load(device, table));
  }

  /** The same with a table as text. */
  public CompletionStage<@Nullable Void> load(String name, String table) {
    return with(name, device -> load(device, table));
  }

  private CompletionStage<@Nullable Void> load(MappedDevice device, TableSpec table) {
    return load(device, table, refusal -> row(table, refusal.row()) + ": " + refusal.getMessage());
  }

  private CompletionStage<@Nullable Void> load(MappedDevice device, String text) {
    return Steps.begin(() -> {
      List<TableLine> lines = TableLine.parse(text);
      TableSpec table = read(lines, devices.names());
      return load(
          device,
          table,
          refusal -> lines.get(refusal.row()).message(String.valueOf(refusal.getMessage())));
    });
  }

  private CompletionStage<@Nullable Void> load(
      MappedDevice device, TableSpec table, Function<RowException, String> message) {
    return device.load(() ->
        tables
            .make(device, table)
            .exceptionallyCompose(failure ->
                CompletableFuture.failedFuture(
                    Steps.cause(failure) instanceof RowException refusal
                        ? new TableException(message.apply(refusal), refusal)
                        : Steps.cause(failure))));
  }

  /** How messages name a row: by type, and by start sector if there are several rows. */
  private static String row(TableSpec table, int at) {
    TableSpec.Row row = table.rows().get(at);
    return table.rows().size() == 1
        ? row.target().type()
        : row.target().type() + " at sector " + row.start();
  }

  /** Drops the table that was loaded but not resumed. */
  public CompletionStage<@Nullable Void> clear(String name) {
    return with(name, MappedDevice::clear);
  }

  /**
   * Suspends a device: defers new requests, and completes when none is in flight. Does nothing if
   * the device is suspended already.
   *
   * @param mode passed to the targets
   */
  public CompletionStage<@Nullable Void> suspend(String name, SuspendMode mode) {
    return with(name, device -> device.suspend(mode));
  }

  /** Resumes a device: makes the loaded table, if any, the live one, and admits requests again. */
  public CompletionStage<@Nullable Void> resume(String name) {
    return with(name, MappedDevice::resume);
  }

  /** {@link #load} and {@link #resume}: changes the table while the device is in use. */
  public CompletionStage<@Nullable Void> reload(String name, TableSpec table) {
    return load(name, table).thenCompose(done -> resume(name));
  }

  /** The same with a table as text. */
  public CompletionStage<@Nullable Void> reload(String name, String table) {
    return load(name, table).thenCompose(done -> resume(name));
  }

  /**
   * Resumes every suspended device before all are removed; otherwise the devices above a suspended
   * one could not complete their requests. Live tables stay; loaded tables are not used.
   *
   * @return completes when all have been tried; fails with the first error
   */
  public CompletionStage<@Nullable Void> resumeAll() {
    CompletableFuture<?>[] resuming =
        devices.mapped().stream()
            .map(device -> device.resumeLive().toCompletableFuture())
            .toArray(CompletableFuture<?>[]::new);
    return CompletableFuture.allOf(resuming);
  }

  /**
   * Makes all written data durable: flushes every open volume and file directly, so that neither a
   * suspended device nor a delay holds it up.
   *
   * @return for each backing device, by its name, the end of its flush
   */
  public Map<String, CompletionStage<@Nullable Void>> sync() {
    Map<String, CompletionStage<@Nullable Void>> flushes = new LinkedHashMap<>();
    for (BlockDevice device : devices.backing()) {
      CompletableFuture<@Nullable Void> flushed = new CompletableFuture<>();
      flushes.put(device.name(), flushed);
      device.submit(
          Io.flush((io, error) -> {
            if (error == null) {
              flushed.complete(null);
            } else {
              flushed.completeExceptionally(error.toException());
            }
          }));
    }
    return flushes;
  }

  /** Removes a device; refused while it is open. Deferred requests fail. */
  public CompletionStage<@Nullable Void> remove(String name) {
    return with(name, this::remove);
  }

  private CompletionStage<@Nullable Void> remove(MappedDevice device) {
    return Steps.begin(() -> {
      devices.leave(device);
      return device.remove().whenComplete((done, failure) -> devices.left(device));
    });
  }

  /** Renames a device, which may be in use. */
  public CompletionStage<@Nullable Void> rename(String name, String newName) {
    return with(
        name,
        device ->
            device.between(() ->
                Steps.begin(() -> {
                  devices.rename(device, newName);
                  return CompletableFuture.completedFuture(null);
                })));
  }

  /** The names of all mapped devices, sorted. */
  public List<String> ls() {
    return devices.mapped().stream().map(MappedDevice::name).toList();
  }

  /** The devices below a device: {@link MappedDevice#dependsOn}. */
  public List<BlockDevice> dependsOn(String name) throws TableException {
    return devices.mapped(name).dependsOn();
  }

  /**
   * The devices that the live table of a device names, each once and by its present name; empty if
   * there is none.
   */
  public List<DeviceRef> dependencies(String name) throws TableException {
    TableSpec table = devices.mapped(name).table();
    return table == null ? List.of() : table.devices();
  }

  /** The names of the devices above this one, directly or through others; sorted. */
  public List<String> above(String name) throws TableException {
    return devices.above(devices.mapped(name)).stream().map(MappedDevice::name).toList();
  }

  /** The device of that name. It may be removed while you use it, unless you {@link #open} it. */
  public MappedDevice device(String name) throws TableException {
    return devices.mapped(name);
  }

  /** The live table, one line for each target; "" if there is none. */
  public String table(String name) throws TableException {
    TableSpec table = devices.mapped(name).table();
    return table == null ? "" : TableText.print(table);
  }

  /** The table loaded for the next resume; "" if there is none. */
  public String inactiveTable(String name) throws TableException {
    TableSpec table = devices.mapped(name).loadedTable();
    return table == null ? "" : TableText.print(table);
  }

  /** The live table's status, one line for each target; "" if there is none. */
  public String status(String name) throws TableException {
    Table table = devices.mapped(name).liveTable();
    return table == null ? "" : table.status();
  }

  /** The device's state and its use. */
  public DeviceInfo info(String name) throws TableException {
    MappedDevice device = devices.mapped(name);
    Table live = device.liveTable();
    return new DeviceInfo(
        device.name(),
        device.suspended(),
        live != null,
        device.inactiveTable() != null,
        devices.holders(device),
        device.eventNumber(),
        devices.minor(device),
        live == null ? 0 : live.size(),
        device.isReadOnly());
  }

  /** All target types, sorted by name. */
  public List<TargetType> targets() {
    return new ArrayList<>(types.values());
  }

  /**
   * Completes with the device's event number as soon as it exceeds {@code seen}; fails when the
   * device is removed. Cancel the future to stop waiting. At most {@value Events#MAX} callers may
   * wait for one device; more are refused.
   */
  public CompletableFuture<Long> await(String name, long seen) {
    return Steps.begin(() -> devices.mapped(name).events().awaitAbove(seen)).toCompletableFuture();
  }

  /** Sends {@code words} to the target at {@code sector}; returns its reply, "" if it has none. */
  public CompletionStage<String> message(String name, long sector, List<String> words) {
    if (words.isEmpty()) {
      return CompletableFuture.failedFuture(
          new TableException("Invalid argument: Empty message received."));
    }
    return with(
        name,
        device ->
            device.between(() ->
                Steps.begin(() -> {
                  Table table = device.liveTable();
                  Target target = table == null ? null : table.targetAt(sector);
                  if (target == null) {
                    throw new TableException(
                        "Invalid argument: Target message sector outside device.");
                  }
                  return target.message(words);
                })));
  }

  private <T> CompletionStage<T> with(
      String name, Function<MappedDevice, CompletionStage<T>> verb) {
    return Steps.begin(() -> verb.apply(devices.mapped(name)));
  }
}
