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
 * A block device made of targets. Its table can be replaced while it is in use.
 *
 * <pre>
 *            load              resume                    suspend
 *   (empty) -----> inactive ----------> live, ACTIVE <----------> live, SUSPENDED
 *                  table                table         resume      table
 * </pre>
 *
 * <dl>
 *   <dt>What happens to a request while the device is suspended?
 *   <dd>It waits in {@link DeferredIos}. The resume submits the waiting requests in the order of
 *       arrival.
 *   <dt>What happens to requests in flight when the device is suspended?
 *   <dd>The targets first stop their background work ({@code presuspend}), with requests still
 *       flowing. Then new requests are deferred, and the suspend waits for those in flight, however
 *       long the devices below take.
 *   <dt>What if a layer above completes writes early?
 *   <dd>An {@link EarlyCompletion} is held before anything else is stopped: the suspend waits until
 *       every write that was completed early has ended here. It is released when requests flow
 *       again. So nothing that an initiator knows as done can be missing after a suspend, a table
 *       change or a removal, whoever asks for it.
 *   <dt>What does {@code noflush} change?
 *   <dd>Nothing here, since targets never push a request back to the device. It is passed to the
 *       targets.
 *   <dt>What happens on a resume when a table was loaded?
 *   <dd>The device is suspended if it was not. The loaded table replaces the live one, with its
 *       size and limits, and the old one is closed once requests flow again. If {@code preresume}
 *       of the new table fails, the device stays suspended with the new table, as under Linux: load
 *       another one and resume, or resume again.
 *   <dt>What if there is no table?
 *   <dd>The device has no sectors, and every request fails.
 * </dl>
 *
 * <p>Requests come from any thread. Life-cycle steps come from {@link DeviceMapper} and run one at
 * a time in {@link Steps}; fields marked "written by a step" are written only there.
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
  private volatile boolean readOnly; // set once, when the device is created
  private volatile @Nullable EarlyCompletion early; // written by a step

  MappedDevice(String name, Scheduler scheduler) {
    this.name = name;
    this.events = new Events(scheduler);
  }

  @Override
  public String name() {
    return name;
  }

  /** The length of the live table; 0 if there is none. */
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
    if (readOnly && changes(io)) {
      io.complete(IoError.of(IoError.Kind.READ_ONLY, name + " is read-only"));
    } else if (table == null) {
      io.complete(IoError.of(IoError.Kind.IO, name + " has no table"));
    } else {
      table.submit(io);
    }
  }

  private static boolean changes(Io io) {
    return switch (io.op()) {
      case READ, FLUSH, BLOCK_STATUS -> false;
      case WRITE, DISCARD, WRITE_ZEROES -> true;
    };
  }

  /** Writes fail from now on, whatever the table. */
  void makeReadOnly() {
    readOnly = true;
  }

  /** Whether writes fail since the device was created read-only. */
  public boolean isReadOnly() {
    return readOnly;
  }

  /**
   * The device's counters since it was created: its requests, and those of its targets. A table
   * change or a rename does not reset them.
   */
  public Counts counts() {
    return counts;
  }

  /** Whether requests are deferred. */
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

  /** The live table, with the current names of its devices; null if there is none. */
  public @Nullable TableSpec table() {
    Table table = live;
    return table == null ? null : table.spec();
  }

  /** The table loaded for the next resume; null if there is none. */
  public @Nullable TableSpec loadedTable() {
    Table table = inactive;
    return table == null ? null : table.spec();
  }

  /**
   * The devices that this one holds open for its live and its loaded table, each once: mapped
   * devices, volumes, and files that tables name.
   */
  public List<BlockDevice> dependsOn() {
    return Stream.of(live, inactive)
        .flatMap(table -> table == null ? Stream.of() : table.devices().stream())
        .distinct()
        .toList();
  }

  /**
   * The live table's targets that implement {@code kind}, in the order of their rows. A kind is an
   * interface for more than requests, such as {@code MergeHandle}. A target belongs to one table,
   * so ask again after a table change.
   */
  public <T> List<T> targets(Class<T> kind) {
    Table table = live;
    return table == null ? List.of() : table.targets(kind);
  }

  /** The same for the loaded table. */
  public <T> List<T> loadedTargets(Class<T> kind) {
    Table table = inactive;
    return table == null ? List.of() : table.targets(kind);
  }

  /**
   * Registers {@code listener}. The scheduler calls it whenever the event number rises and when the
   * device is removed, until the registration is closed.
   *
   * @throws TableException if {@link Events#MAX} listeners are registered
   */
  public Registration listen(DeviceListener listener) throws TableException {
    return events.listen(listener);
  }

  /**
   * Whether a write to these sectors would wait for a copy or a merge if it came now, see {@link
   * Target#delaysWrite}. Any thread.
   */
  public boolean delaysWrite(long sector, long sectors) {
    Table table = live;
    return table != null && table.delaysWrite(sector, sectors);
  }

  /** Whether a write that waited may be refused, see {@link Target#mayRefuse}. Any thread. */
  public boolean mayRefuse() {
    Table table = live;
    return table == null || table.mayRefuse();
  }

  /** Whether a write that was submitted here is accepted, see {@link Target#hasAccepted}. */
  public boolean hasAccepted(long sector, long sectors) {
    Table table = live;
    return table != null && table.hasAccepted(sector, sectors);
  }

  /**
   * From now on every suspend holds {@code layer} first. One layer at a time. Done when that is
   * settled; if the device is suspended, the layer has then been held. Fails if the device was
   * removed.
   */
  public CompletionStage<@Nullable Void> completesEarly(EarlyCompletion layer) {
    return step(() -> {
      early = layer;
      return suspended ? layer.hold() : done();
    });
  }

  /**
   * Done when every write has ended here that a layer above has completed early. For those who use
   * the device beside that layer.
   */
  public CompletionStage<@Nullable Void> settled() {
    EarlyCompletion layer = early;
    return layer == null ? done() : layer.drain();
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

  /** Makes a table with {@code maker} and keeps it for the next resume. */
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

  CompletionStage<@Nullable Void> suspend(SuspendMode mode) {
    return step(() -> quiesce(mode));
  }

  CompletionStage<@Nullable Void> resume() {
    return step(this::activate);
  }

  /** Resumes the device if it is suspended, and keeps the live table. */
  CompletionStage<@Nullable Void> resumeLive() {
    return step(() -> suspended && live != null ? flow() : done());
  }

  /** Runs {@code task} between two steps of this device. */
  <T> CompletionStage<T> between(Supplier<CompletionStage<T>> task) {
    return step(task);
  }

  /** A step that runs {@code change} on the registry and takes the new name. */
  void rename(String newName) {
    name = newName;
  }

  /**
   * Stops all work and closes both tables; deferred and later requests fail with {@link
   * IoError.Kind#GONE}. Succeeds even if closing a target fails: the device is removed all the
   * same.
   */
  CompletionStage<@Nullable Void> remove() {
    return step(() ->
        quiesce(SuspendMode.NOFLUSH)
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

  private CompletionStage<@Nullable Void> quiesce(SuspendMode mode) {
    if (suspended) {
      return done();
    }
    Table table = live;
    EarlyCompletion layer = early;
    return (layer == null ? done() : layer.hold())
        .thenCompose(done -> table == null ? done() : table.presuspend(mode))
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
    return quiesce(SuspendMode.FLUSH)
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
          EarlyCompletion layer = early;
          if (layer != null) {
            layer.release();
          }
        });
  }

  private @Nullable Void report(String what, @Nullable Throwable failure) {
    if (failure != null) {
      FailureLog.error(LOG, name + ": " + what + " failed", failure);
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
