// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.uses;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.anabranch.iscsi.session.SessionEvents;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who uses which volume. An initiator may hold data of a volume in its memory, and may write it
 * back, from its first login until it logs out of its own accord. So a volume must not be rolled
 * back in between, unless somebody says so.
 *
 * <pre>
 *   what happens                                         the use of the nexus
 *   login                                                begins, durably, before it is answered
 *   Logout of its own accord                             ends
 *   lost connection, reinstatement, dropped session      goes on: cut off
 *   lost connection of a session that neither read,      ends, unless it was cut off before that
 *     wrote nor reserved                                   session
 *   Logout that the server asked for, stop, crash        goes on: cut off
 *   login of the same nexus                              goes on: connected
 *   a masked LUN                                         is none; a reload begins or ends it
 *   the administrator says that the initiator is gone    ends, if it is cut off
 *   the grace time is over, if there is one              no longer counts while it is cut off
 *   logout of a nexus with an ISID of type Random, and   ends, if it was cut off before that nexus
 *     the initiator has no other session                   logged in, and its ISID is Random, too
 * </pre>
 *
 * <p>The last row is for libiscsi and QEMU, which choose an ISID for each process: a nexus of
 * theirs does not come back after a kill. Grace time runs only while this server does, since nobody
 * can come back to a server that is down.
 *
 * <p>The record is bounded. Once it is full, the devices that another nexus can reach are marked as
 * used by somebody unknown, until the administrator says that those are gone: no merge begins
 * because of a user that was forgotten. The same holds for what an older version did not record,
 * and for everything when the file is damaged.
 *
 * <p>Any thread. Logins and their ends come on event loops: nothing here blocks but {@link
 * #willSee}, {@link #assumeGone}, {@link #onNextLogin} and {@link #close}.
 */
public final class Uses implements SessionEvents, WarningSource, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Uses.class);

  /** How many nexuses and names of devices are recorded at most. */
  private static final int MAX_SIZE = 262_144;

  /** Hears of changes. Called without a lock, on any thread; must not block. */
  public interface Listener {
    /** Somebody may use less than before: a merge that waits may be able to begin. */
    void ended();

    /**
     * A session ended because the server or its administrator ended it, and its initiator will log
     * in again by itself.
     */
    void dropped(String initiator, Set<String> devices);

    /**
     * An initiator is logging in; its use is recorded. Its login is not answered before the stage
     * has completed.
     */
    CompletionStage<@Nullable Void> loggingIn(String initiator, Set<String> devices);
  }

  private final UseRecorder recorder;
  private final UseTable table; // guarded by this, as all that follows

  /** Logins that have been reported, and are neither recorded nor over. */
  private final Set<Login> held = Collections.newSetFromMap(new IdentityHashMap<>());

  /** Devices on which a merge is beginning; logins that reach them wait for that. */
  private final Set<String> beginning = new HashSet<>();

  private CompletableFuture<@Nullable Void> begun = new CompletableFuture<>();
  private SeenDevices seen = (initiator, target) -> Set.of();

  /** What will be seen when the reload under way succeeds. */
  private @Nullable SeenDevices soon;

  private @Nullable Listener listener;

  /** Closed with this; null when it is not this one's own. */
  private @Nullable ExecutorService writer;

  private Uses(UseFile file, UseTable table, UseRecorder.Writer writer, WritePace pace) {
    this.table = table;
    recorder = new UseRecorder(file, writer, pace, this::moment);
  }

  /**
   * Opens the record.
   *
   * @param file where it is kept
   * @param before devices that somebody may have used, for when there is no such file
   * @param writer writes the file
   * @param pace of these writes
   */
  static Uses open(
      UseFile file,
      Set<String> before,
      UseRecorder.Writer writer,
      WritePace pace,
      Supplier<Instant> clock,
      int maxSize)
      throws RefusedException {
    RecordedUses found;
    try {
      found = file.read();
    } catch (UseFile.DamagedException e) {
      LOG.error(
          "{} is damaged and was put aside as {}: {}; who used the volumes until now is not known, and a"
              + " rollback that waits begins only after snapshot merge --assume-gone unknown",
          file.path(),
          file.putAside(),
          e.getMessage());
      found = new RecordedUses(new TreeMap<>(), Set.of(UseTable.EVERYTHING), Set.of());
    }
    if (found == null) {
      found = new RecordedUses(new TreeMap<>(), before, Set.of());
      if (!before.isEmpty()) {
        LOG.warn(
            "there is no {}: who uses {} is not known, since the file was lost or an older version"
                + " of the server kept none; a rollback that waits for them begins after snapshot"
                + " merge --assume-gone {}",
            file.path(),
            String.join(", ", new TreeSet<>(before)),
            User.UNKNOWN);
      }
    }
    Uses uses = new Uses(file, new UseTable(found, clock, maxSize), writer, pace);
    uses.recorder.write();
    return uses;
  }

  /**
   * Opens the record of a server.
   *
   * @param folder the state directory
   * @param before devices that somebody may have used, for when there is no record
   */
  public static Uses open(Path folder, Set<String> before) throws RefusedException {
    ScheduledThreadPoolExecutor writer =
        new ScheduledThreadPoolExecutor(1, Thread.ofPlatform().daemon().name("uses").factory());
    writer.setExecuteExistingDelayedTasksAfterShutdownPolicy(false); // close writes all of it
    writer.execute(() -> {}); // starts the thread, while the system has threads to give
    try {
      Uses uses =
          open(
              new UseFile(folder),
              before,
              (delay, task) -> {
                var _ = writer.schedule(task, delay, TimeUnit.NANOSECONDS);
              },
              WritePace.ofProcess(),
              Instant::now,
              MAX_SIZE);
      uses.writer = writer;
      return uses;
    } catch (RefusedException e) {
      writer.close();
      throw e;
    }
  }

  private synchronized UseRecorder.Moment moment() {
    return table.moment();
  }

  /** Who hears of changes from now on. */
  public synchronized void listener(Listener hears) {
    listener = hears;
  }

  /**
   * How long somebody who is cut off is waited for.
   *
   * @param time zero: until he comes back and logs out
   */
  public void grace(Duration time) {
    synchronized (this) {
      table.grace(time.isZero() ? null : time);
    }
    changed();
  }

  /** Somebody may use less than before. */
  private void changed() {
    recorder.soon();
    Listener hears;
    synchronized (this) {
      hears = listener;
    }
    if (hears != null) {
      hears.ended();
    }
  }

  // --- sessions -----------------------------------------------------------------------------

  @Override
  public CompletionStage<@Nullable Void> loggingIn(Login login) {
    synchronized (this) {
      held.add(login);
    }
    return admit(login);
  }

  private CompletionStage<@Nullable Void> admit(Login login) {
    Set<String> devices;
    UseTable.Connected connected;
    Listener hears;
    synchronized (this) {
      if (!held.contains(login)) {
        return CompletableFuture.failedFuture(
            new IllegalStateException("the session ended before it had begun"));
      }
      devices = seenBy(login.initiator(), login.target());
      if (!Collections.disjoint(devices, beginning)) {
        return begun.thenCompose(over -> admit(login));
      }
      held.remove(login);
      connected = table.connect(login, devices);
      hears = listener;
    }
    CompletionStage<@Nullable Void> durable = recorder.durable(connected.version());
    if (connected.isBack()) {
      recorder.soon(); // that it is not cut off any more; the login need not wait for that
    }
    return hears == null
        ? durable
        : durable.thenCompose(done -> hears.loggingIn(login.initiator(), devices));
  }

  /** Called with the lock held. */
  private Set<String> seenBy(String initiator, String target) {
    Set<String> devices = new TreeSet<>(seen.by(initiator, target));
    if (soon != null) {
      devices.addAll(soon.by(initiator, target));
    }
    return devices;
  }

  @Override
  public void ended(Login login, End end) {
    Listener hears;
    Set<String> devices;
    synchronized (this) {
      held.remove(login);
      devices = table.disconnect(login, end);
      hears = listener;
    }
    if (devices == null) {
      return;
    }
    if (hears != null && end == End.DROPPED) {
      hears.dropped(login.initiator(), devices);
    }
    changed();
  }

  // --- what can be seen ---------------------------------------------------------------------

  /** What can be seen from now on: sessions that do not see a device any more do not use it. */
  public void sees(SeenDevices now) {
    synchronized (this) {
      seen = now;
      soon = null;
      table.seeing(now);
    }
    changed();
  }

  /**
   * What will be seen soon, if the change under way succeeds; {@link #sees} ends it in any case.
   * Durable when it returns.
   */
  public void willSee(SeenDevices next) throws RefusedException {
    long grown;
    synchronized (this) {
      soon = next;
      table.grow(next);
      grown = table.version();
    }
    await(recorder.durable(grown));
  }

  /**
   * Devices are about to get other names: whoever uses one uses it under the new name, too. Durable
   * when it returns; {@link #renamed} is next.
   *
   * @param names the new ones by the old ones
   */
  public void renaming(Map<String, String> names) throws RefusedException {
    long changed;
    synchronized (this) {
      table.alsoCalled(names);
      changed = table.version();
    }
    await(recorder.durable(changed));
  }

  /** Nobody uses devices of these names any more: they have other names, or they are gone. */
  public void renamed(Set<String> oldNames) {
    synchronized (this) {
      table.forgetDevices(oldNames);
    }
    recorder.soon();
  }

  /** Somebody may use these devices of whom nothing is known here. */
  public void unknown(Set<String> devices) {
    synchronized (this) {
      table.unknown(devices);
    }
    recorder.soon();
  }

  // --- merges -------------------------------------------------------------------------------

  /** Those who use one of the devices, each once for each target. */
  public synchronized List<User> of(Set<String> devices) {
    return table.of(devices);
  }

  /** When the next grace time ends; null: there is none. */
  public synchronized @Nullable Instant nextGraceEnd() {
    return table.nextGraceEnd();
  }

  /**
   * Holds back the logins that reach one of the devices, if nobody uses them; {@link #release} lets
   * them go on.
   *
   * @param except an initiator that may use them; null: none
   * @return false if somebody uses them
   */
  public synchronized boolean claim(Set<String> devices, @Nullable String except) {
    if (table.of(devices).stream().anyMatch(user -> !user.initiator().equals(except))) {
      return false;
    }
    beginning.addAll(devices);
    return true;
  }

  /** The merge has begun, or it has not. */
  public void release(Set<String> devices) {
    CompletableFuture<@Nullable Void> waiting;
    synchronized (this) {
      beginning.removeAll(devices);
      waiting = begun;
      begun = new CompletableFuture<>();
    }
    waiting.complete(null);
  }

  /**
   * An initiator that is cut off from devices will not come back as it was: it no longer uses them.
   * Durable when it returns.
   *
   * @param initiator its name, or {@link User#UNKNOWN}
   * @throws RefusedException when it is connected, or does not use them
   */
  public void assumeGone(String initiator, Set<String> devices) throws RefusedException {
    long changed;
    synchronized (this) {
      table.assumeGone(initiator, devices);
      changed = table.version();
    }
    await(recorder.durable(changed));
  }

  /** Remembers whether a snapshot's merge begins at the next login. Durable when it returns. */
  public void onNextLogin(String snapshot, boolean begins) throws RefusedException {
    long changed;
    synchronized (this) {
      table.onNextLogin(snapshot, begins);
      changed = table.version();
    }
    await(recorder.durable(changed));
  }

  /** Those that were remembered. */
  public synchronized Set<String> onNextLogin() {
    return table.onNextLogin();
  }

  /** Whether the record cannot be written. */
  @Override
  public List<Warning> warnings() {
    String failure = recorder.failure();
    return failure == null
        ? List.of()
        : List.of(
            new Warning(
                "server",
                "new initiators cannot log in, since who uses which volume cannot be recorded: "
                    + failure,
                "make the state directory writable, or free space there"));
  }

  private static void await(CompletionStage<@Nullable Void> durable) throws RefusedException {
    try {
      durable.toCompletableFuture().join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RefusedException refused) {
        throw new RefusedException(String.valueOf(refused.getMessage()), e);
      }
      throw e;
    }
  }

  /** Writes what is not written yet. Nobody logs in any more. */
  @Override
  public void close() {
    if (writer != null) {
      writer.close();
    }
    try {
      recorder.write();
    } catch (RefusedException e) {
      LOG.debug("the record is older than it might be, which is safe", e);
    }
  }
}
