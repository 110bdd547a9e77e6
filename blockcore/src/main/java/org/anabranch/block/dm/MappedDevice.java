// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoCounter;
import org.anabranch.block.IoError;
import org.anabranch.block.IoGate;
import org.anabranch.block.IoRelease;
import org.anabranch.block.Limits;
import org.anabranch.block.Scheduler;
import org.anabranch.block.count.Counters;
import org.anabranch.block.count.Counts;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A block device made of targets, whose table can be exchanged while it is in use.
 *
 * <pre>
 *            load              resume                    suspend
 *   (empty) -----> inactive ----------> live, ACTIVE <----------> live, SUSPENDED
 *                  table                table         resume      table
 * </pre>
 *
 * <dl>
 *   <dt>What happens to a request while the device is suspended?
 *   <dd>It waits in {@link DeferredIos} and is submitted at the resume, in the order of arrival.
 *   <dt>What happens to the requests in flight at a suspend?
 *   <dd>The targets stop their background work ({@code presuspend}) while requests still flow; then
 *       new ones wait and those in flight are waited for, however long the devices below take.
 *   <dt>What does {@code noflush} change?
 *   <dd>Nothing here, since targets never push a request back to the device. Targets are told of
 *       it.
 *   <dt>What happens when a table was loaded and the device is resumed?
 *   <dd>It is suspended if it was not; the loaded table takes the live one's place, with its size
 *       and limits, and the old one is closed after requests flow again. If the new table's {@code
 *       preresume} fails, the device stays suspended with the new table, as under Linux: load
 *       another and resume, or resume again.
 *   <dt>And without any table?
 *   <dd>The device has no sectors, and every request fails.
 * </dl>
 *
 * <p>Requests come from any thread. Life-cycle steps come from {@link DeviceMapper} and run one at
 * a time in {@link Steps}; fields marked so are written there only.
 */
public final class MappedDevice implements BlockDevice {
  private static final Logger LOG = LoggerFactory.getLogger(MappedDevice.class);

  private final Steps steps = new Steps();
  private final IoGate gate = new IoGate(true);
  private final Counts counts = new Counts();
  private final Counters<IoCounter> ios = counts.counters(IoCounter.class);
  private final Counters<DeviceCounter> counters = counts.counters(DeviceCounter.class);
  private final DeferredIos deferred = new DeferredIos(counters);
  private final Events events;

  private volatile String name; // written by a step
  private volatile @Nullable Table live; // written by a step, while the gate is shut
  private volatile @Nullable Table inactive; // written by a step
  private volatile boolean suspended; // written by a step
  private volatile boolean gone; // written by a step

  MappedDevice(String name, Scheduler scheduler) {
    this.name = name;
    this.events = new Events(scheduler);
  }

  @Override
  public String name() {
    return name;
  }

  /** The live table's end; 0 without one. */
  @Override
  public long sectors() {
    Table table = live;
    return table == null ? 0 : table.sectors();
  }

  @Override
  public Limits limits() {
    Table table = live;
    return table == null ? Limits.DEFAULT : table.limits();
  }

  @Override
  public void submit(Io io) {
    while (!gate.enter(io)) {
      if (deferred.take(io, name)) {
        return;
      }
    }
    IoCounter.count(ios, io);
    Table table = live;
    if (table == null) {
      io.complete(IoError.of(IoError.Kind.IO, name + " has no table"));
    } else {
      table.submit(io);
    }
  }

  /**
   * What the device has counted since it was made: its requests, and what the targets of its tables
   * add. It goes on when the table is changed or the device renamed.
   */
  public Counts counts() {
    return counts;
  }

  /** Whether requests wait instead of flowing. */
  public boolean suspended() {
    return suspended;
  }

  /** The number that {@code dmsetup wait} waits for; it rises with each event of a target. */
  public long eventNumber() {
    return events.number();
  }

  @Override
  public String toString() {
    return name;
  }

  /** The live table, with the names that its devices have now; null without one. */
  public @Nullable TableSpec table() {
    Table table = live;
    return table == null ? null : table.spec();
  }

  /** The table that is loaded for the next resume; null without one. */
  public @Nullable TableSpec loadedTable() {
    Table table = inactive;
    return table == null ? null : table.spec();
  }

  /**
   * The devices that this one holds open, for its live table or for the one that is loaded, each
   * once: mapped devices, and the volumes and files that tables name.
   */
  public List<BlockDevice> dependsOn() {
    return Stream.of(live, inactive)
        .flatMap(table -> table == null ? Stream.of() : table.devices().stream())
        .distinct()
        .toList();
  }

  /**
   * The live table's targets of one kind, in the order of their rows. Kinds are what targets offer
   * beside requests, such as {@code MergeHandle}. A target serves its table only: ask again after
   * the table was changed.
   */
  public <T> List<T> targets(Class<T> kind) {
    Table table = live;
    return table == null ? List.of() : table.targets(kind);
  }

  /** The same of the table that is loaded for the next resume. */
  public <T> List<T> loadedTargets(Class<T> kind) {
    Table table = inactive;
    return table == null ? List.of() : table.targets(kind);
  }

  /**
   * Calls {@code listener} on the scheduler whenever the event number rises, and when the device is
   * removed, until the registration is closed.
   *
   * @throws TableException when {@link Events#MAX} listen already
   */
  public Registration listen(DeviceListener listener) throws TableException {
    return events.listen(listener);
  }

  Events events() {
    return events;
  }

  @Nullable Table liveTable() {
    return live;
  }

  @Nullable Table inactiveTable() {
    return inactive;
  }

  long inFlight() {
    return gate.count();
  }

  int waiting() {
    return deferred.size();
  }

  /** Makes a table by {@code maker} and keeps it beside the live one, for the next resume. */
  CompletionStage<@Nullable Void> load(Supplier<CompletionStage<Table>> maker) {
    return step(() ->
        maker
            .get()
            .thenCompose(table -> {
              Table before = inactive;
              inactive = table;
              return before == null ? done() : before.close();
            }));
  }

  /** Drops the inactive table. */
  CompletionStage<@Nullable Void> clear() {
    return step(this::dropInactive);
  }

  CompletionStage<@Nullable Void> suspend(boolean noflush) {
    return step(() -> quiesce(noflush));
  }

  CompletionStage<@Nullable Void> resume() {
    return step(this::activate);
  }

  /** Lets requests flow again if the device is suspended; keeps the live table. */
  CompletionStage<@Nullable Void> resumeLive() {
    return step(() -> suspended && live != null ? flow() : done());
  }

  /** Lets {@code task} run between the steps of this device. */
  <T> CompletionStage<T> between(Supplier<CompletionStage<T>> task) {
    return step(task);
  }

  /** A step that {@code change}s the registry and takes the new name. */
  void rename(String newName) {
    name = newName;
  }

  /**
   * Stops everything and closes both tables; requests that wait or come later end with {@link
   * IoError.Kind#GONE}. Ends well even when a target's close fails: the device is gone then, too.
   */
  CompletionStage<@Nullable Void> remove() {
    return step(() ->
        quiesce(true)
            .handle((done, failure) -> report("suspend before removal", failure))
            .thenCompose(ignored -> takeDown()));
  }

  private CompletionStage<@Nullable Void> takeDown() {
    gone = true;
    IoRelease.each(deferred.end(), io -> io.complete(DeferredIos.gone(name)));
    events.end();
    Table table = live;
    live = null;
    return (table == null ? done() : table.close())
        .handle((done, failure) -> report("close", failure))
        .thenCompose(ignored -> dropInactive())
        .handle((done, failure) -> report("close of the inactive table", failure));
  }

  private CompletionStage<@Nullable Void> dropInactive() {
    Table table = inactive;
    inactive = null;
    return table == null ? done() : table.close();
  }

  private CompletionStage<@Nullable Void> quiesce(boolean noflush) {
    if (suspended) {
      return done();
    }
    Table table = live;
    return (table == null ? done() : table.presuspend(noflush))
        .thenCompose(done -> shut())
        .thenAccept(done -> {
          suspended = true;
          if (table != null) {
            counters.increment(DeviceCounter.SUSPENDS);
            table.postsuspend();
          }
        });
  }

  private CompletionStage<@Nullable Void> shut() {
    return deferred.hold(gate::shut);
  }

  private CompletionStage<@Nullable Void> activate() {
    Table next = inactive;
    if (next == null) {
      if (live == null) {
        return refused("Invalid argument: no table loaded for " + name);
      }
      return suspended ? flow() : done();
    }
    return quiesce(false)
        .thenCompose(done -> {
          Table before = live;
          live = next;
          counters.increment(DeviceCounter.TABLE_CHANGES);
          inactive = null;
          CompletionStage<@Nullable Void> flowing = flow();
          return before == null ? flowing : closeAfter(flowing, before);
        });
  }

  private CompletionStage<@Nullable Void> closeAfter(
      CompletionStage<@Nullable Void> flowing, Table before) {
    CompletableFuture<@Nullable Void> closed = new CompletableFuture<>();
    flowing.whenComplete((done, failure) ->
        before
            .close()
            .whenComplete((ignored, closeFailure) -> {
              report("close of the former table", closeFailure);
              if (failure == null) {
                closed.complete(null);
              } else {
                closed.completeExceptionally(failure);
              }
            }));
    return closed;
  }

  private CompletionStage<@Nullable Void> flow() {
    Table table = Objects.requireNonNull(live);
    return table
        .preresume()
        .thenAccept(done -> {
          table.resume();
          suspended = false;
          IoRelease.each(deferred.release(gate::open), this::submit);
        });
  }

  private @Nullable Void report(String what, @Nullable Throwable failure) {
    if (failure != null) {
      LOG.error("{}: {} failed", name, what, failure);
    }
    return null;
  }

  private <T> CompletionStage<T> step(Supplier<CompletionStage<T>> step) {
    return steps.run(() ->
        gone
            ? CompletableFuture.failedFuture(new TableException("No such device or address"))
            : step.get());
  }

  private static CompletionStage<@Nullable Void> done() {
    return CompletableFuture.completedFuture(null);
  }

  private static CompletionStage<@Nullable Void> refused(String reason) {
    return CompletableFuture.failedFuture(new TableException(reason));
  }
}
