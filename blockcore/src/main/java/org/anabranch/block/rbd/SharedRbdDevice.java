// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.rbd;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.anabranch.block.Scheduler;
import org.anabranch.block.SharedDevice;
import org.anabranch.block.Tenure;
import org.anabranch.block.count.Counts;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An RBD image that several servers serve, one at a time: the one that has its exclusive lock is
 * active, and the others stand by.
 *
 * <dl>
 *   <dt>Who is active?
 *   <dd>Who has the lock, and nothing else decides it.
 *   <dt>When does a standby take over?
 *   <dd>It looks at the lock each second, and takes it when its owner has released it, is dead, or
 *       has not answered {@value #SILENCES} questions in a row, which take a second each: see
 *       {@link OwnerProbe}. Ceph shuts the former owner out before. {@link #takeOver} does not ask
 *       the owner.
 *   <dt>What does a server that was shut out?
 *   <dd>Its requests fail, those in the queue too, and it closes its client. Then it stands by with
 *       a new one, which never writes what the old one had.
 *   <dt>Can two servers take the image from each other in turn?
 *   <dd>Only one that does not answer loses it, whichever path hosts use. A server that has lost it
 *       within some seconds after it got it waits twice as long for the other one as it did before,
 *       up to half a minute, for the next ten minutes: so two servers on machines that are too busy
 *       to answer settle.
 * </dl>
 */
public final class SharedRbdDevice implements SharedDevice {
  private static final Logger LOG = LoggerFactory.getLogger(SharedRbdDevice.class);

  /** How long a standby waits after it has tried to take the lock. */
  private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** How long the owner has no answer from Ceph before it looks whether it was shut out. */
  private static final long VERIFY_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** How many questions its owner leaves unanswered before a standby takes the lock from it. */
  private static final int SILENCES = 2;

  /** The same for a server that has lost the lock again and again: as long as Ceph waits. */
  private static final int MOST_SILENCES = 30;

  /** A server that loses the lock so soon after it got it is more patient with the next owner. */
  private static final long YOUNG_NANOS = TimeUnit.SECONDS.toNanos(5);

  /** How long it is. */
  private static final long CAUTION_NANOS = TimeUnit.MINUTES.toNanos(10);

  /** How long a server that ends waits for the client of a standby, which has nothing to lose. */
  private static final long CLOSE_NANOS = TimeUnit.SECONDS.toNanos(5);

  /**
   * What holds now. There is a device while the tenure is active, and shortly before, while {@link
   * #beforeActive} runs; that lets requests through to it.
   */
  private record State(Tenure tenure, @Nullable RbdDevice device, boolean isOpen) {
    State(Tenure tenure, @Nullable RbdDevice device) {
      this(tenure, device, device != null);
    }
  }

  private final String name;
  private final RbdImage image;
  private final RbdOptions options;
  private final Scheduler scheduler;
  private final Counts counts = new Counts();
  private final RbdContender contender;
  private final CompletableFuture<@Nullable Void> closed = new CompletableFuture<>();
  private final Object lock = new Object();

  /** Written under the lock. */
  private volatile State state;

  /** Its length as the last client saw it. */
  private volatile long sectors;

  @GuardedBy("lock")
  private final List<Consumer<Tenure>> listeners = new ArrayList<>();

  /** Changes that the listeners have not heard of yet. */
  @GuardedBy("lock")
  private final Queue<Tenure> changes = new ArrayDeque<>();

  /** Whether a thread tells the listeners of changes now. */
  @GuardedBy("lock")
  private boolean isTelling;

  /** The last attempt to take the lock, and the next one waits for its end. */
  @GuardedBy("lock")
  private CompletableFuture<?> attempt = CompletableFuture.completedFuture(null);

  /** Whether a timer will try to take the lock. */
  @GuardedBy("lock")
  private boolean isTimed;

  @GuardedBy("lock")
  private boolean isClosing;

  /** How many questions the owner must leave unanswered. */
  @GuardedBy("lock")
  private int silences = SILENCES;

  /** When this server got the lock. */
  @GuardedBy("lock")
  private long gotAt;

  /** When this server has lost the lock; means something while {@link #silences} is raised. */
  @GuardedBy("lock")
  private long lostAt;

  /** What is to be done before this process is active. */
  private volatile Preparation preparation = Runnable::run;

  private SharedRbdDevice(
      String name, RbdImage image, RbdOptions options, Scheduler scheduler, State state) {
    this.name = name;
    this.image = image;
    this.options = options;
    this.scheduler = scheduler;
    this.state = state;
    this.contender = new RbdContender(name, image, scheduler, counts);
  }

  /**
   * Opens an image, as its owner or, when another server has its lock and answers, as a standby.
   * Blocks, at most as long as the options allow for two calls.
   *
   * @param options not for reading only: such an image needs no lock
   * @throws RbdAbsentException the cluster has no such image
   * @throws IOException as {@link RbdDevice#open}
   */
  public static SharedRbdDevice open(
      String name, RbdImage image, RbdOptions options, Scheduler scheduler) throws IOException {
    SharedRbdDevice shared =
        new SharedRbdDevice(
            name, image, options, scheduler, new State(new Tenure.Standby("not opened yet"), null));
    try {
      shared.begin(RbdDevice.open(name, image, options, SILENCES, scheduler, shared.counts));
    } catch (RbdHeldException e) {
      RbdImages.Facts facts = RbdImages.look(image, options.callNanos());
      if (facts == null) {
        throw new RbdAbsentException("there is no image " + image.spec());
      }
      shared.sectors = facts.bytes() >> 9;
      shared.stand(reason(e));
    }
    return shared;
  }

  private static String reason(Throwable failure) {
    String message = failure.getMessage();
    return message == null ? failure.toString() : message;
  }

  /** The device, while this process has the image. */
  public @Nullable RbdDevice active() {
    return state.device;
  }

  @Override
  public Tenure tenure() {
    return state.tenure;
  }

  @Override
  public void onTenure(Consumer<Tenure> listener) {
    synchronized (lock) {
      listeners.add(listener);
    }
  }

  @Override
  public void beforeActive(Preparation newPreparation) {
    preparation = newPreparation;
  }

  /** Takes a new state, unless this is being closed; whether it did. */
  private boolean change(State to) {
    synchronized (lock) {
      if (isClosing) {
        return false;
      }
      if (!to.tenure.equals(state.tenure)) {
        changes.add(to.tenure);
      }
      state = to;
    }
    tell();
    return true;
  }

  /** Tells the listeners in the order of the changes, one thread at a time. */
  private void tell() {
    while (true) {
      Tenure next;
      List<Consumer<Tenure>> hearing;
      synchronized (lock) {
        next = isTelling ? null : changes.poll();
        if (next == null) {
          return;
        }
        isTelling = true;
        hearing = List.copyOf(listeners);
      }
      try {
        hearing.forEach(each -> tell(each, next));
      } finally {
        synchronized (lock) {
          isTelling = false;
        }
      }
    }
  }

  /** A listener that fails keeps neither others nor this device from going on. */
  private void tell(Consumer<Tenure> listener, Tenure of) {
    try {
      listener.accept(of);
    } catch (RuntimeException | Error e) {
      LOG.error("{}: what follows from its being {} failed", name, of.word(), e);
    }
  }

  /** This process has the lock. */
  private void begin(RbdDevice device) {
    sectors = device.sectors();
    if (!change(new State(Tenure.ACTIVE, device))) {
      device.close();
      return;
    }
    synchronized (lock) {
      gotAt = scheduler.nanoTime();
    }
    LOG.info("{}: this server has the image now", name);
    device.onDeparture(() -> fenced(device));
    verifyLater(device);
  }

  /**
   * A server that was shut out while it stood still, and that nobody uses since then, finds out
   * here. Else hosts would take its path for a good one.
   */
  private void verifyLater(RbdDevice device) {
    long before = device.answers();
    scheduler.schedule(
        () -> {
          if (!isOwner(device)) {
            return;
          }
          if (device.answers() != before) {
            verifyLater(device);
          } else {
            var _ = device.verify().whenComplete((isShutOut, failure) -> verifyLater(device));
          }
        },
        VERIFY_NANOS);
  }

  private boolean isOwner(RbdDevice device) {
    synchronized (lock) {
      return !isClosing && state.device == device;
    }
  }

  /** This process has the lock, and others prepare for that before it is active. May wait. */
  private void arrive(RbdDevice device) throws IOException {
    sectors = device.sectors();
    Tenure preparing = new Tenure.Standby("this server prepares to serve it");
    if (!change(new State(preparing, device, false))) {
      device.close();
      throw new IOException(name + " is closed");
    }
    try {
      preparation.prepare(() -> change(new State(preparing, device)));
    } catch (Exception | Error e) { // whatever it is: the lock must not stay with who cannot serve
      String reason = "it cannot be served here: " + reason(e);
      boolean isFault = e instanceof RuntimeException || e instanceof Error;
      LOG.error("{}: {}", name, reason, isFault ? e : null);
      change(new State(new Tenure.Standby(reason), null));
      device.close();
      throw new IOException(reason, e);
    }
    begin(device);
  }

  /** Another server has shut this one out. */
  private void fenced(RbdDevice device) {
    String reason = Objects.requireNonNull(device.departure());
    synchronized (lock) {
      long now = scheduler.nanoTime();
      if (now - gotAt < YOUNG_NANOS) {
        silences = Math.min(MOST_SILENCES, 2 * silences());
        lostAt = now;
      }
    }
    if (change(new State(new Tenure.Fenced(reason), null))) {
      device.close().whenComplete((nothing, failure) -> stand("another server took it over"));
    }
  }

  @GuardedBy("lock")
  private int silences() {
    if (scheduler.nanoTime() - lostAt > CAUTION_NANOS) {
      silences = SILENCES;
    }
    return silences;
  }

  private void stand(String reason) {
    if (isWithout() && change(new State(new Tenure.Standby(reason), null))) {
      LOG.info("{}: this server stands by: {}", name, reason);
      tryLater();
    }
  }

  /** Whether this process does not have the image, and may have it later. */
  private boolean isWithout() {
    synchronized (lock) {
      return !isClosing && state.device == null;
    }
  }

  private void tryLater() {
    synchronized (lock) {
      if (isTimed) {
        return;
      }
      isTimed = true;
    }
    scheduler.schedule(this::tryNow, RETRY_NANOS);
  }

  private void tryNow() {
    synchronized (lock) {
      isTimed = false;
    }
    var _ =
        attempt(options)
            .whenComplete((nothing, failure) -> {
              if (isWithout()) {
                tryLater();
              }
            });
  }

  /** Tries to take the lock when the attempts before have ended. */
  private CompletableFuture<@Nullable Void> attempt(RbdOptions how) {
    CompletableFuture<@Nullable Void> end = new CompletableFuture<>();
    CompletableFuture<?> before;
    synchronized (lock) {
      before = attempt;
      attempt = end;
    }
    var _ = before.whenComplete((nothing, failure) -> attemptNow(how, end));
    return end;
  }

  private void attemptNow(RbdOptions how, CompletableFuture<@Nullable Void> end) {
    int patience;
    synchronized (lock) {
      patience = silences();
      if (isClosing) {
        end.completeExceptionally(new IOException(name + " is closed"));
        return;
      }
      if (state.device != null) {
        end.complete(null);
        return;
      }
    }
    var _ =
        Patience.start(
                "rbd take over " + name,
                () -> {
                  arrive(contender.tryLock(how, patience));
                  return true;
                },
                late -> {})
            .whenComplete((done, failure) -> {
              if (failure == null) {
                end.complete(null);
              } else {
                String reason = reason(failure);
                change(new State(new Tenure.Standby(reason), null));
                end.completeExceptionally(new IOException(name + ": " + reason, failure));
              }
            });
  }

  @Override
  public CompletionStage<@Nullable Void> takeOver() {
    return attempt(options.withForce(true));
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Object identity() {
    return image;
  }

  @Override
  public long sectors() {
    RbdDevice device = state.device;
    return device == null ? sectors : device.sectors();
  }

  @Override
  public Limits limits() {
    return RbdDevice.limits(options);
  }

  @Override
  public Counts counts() {
    return counts;
  }

  @Override
  public void submit(Io io) {
    State now = state;
    if (now.device != null && now.isOpen) {
      now.device.submit(io);
    } else if (io.op() == Io.Op.FLUSH) { // what was acknowledged is durable already
      io.complete(null);
    } else {
      io.complete(elsewhere(name));
    }
  }

  static IoError elsewhere(String name) {
    return IoError.of(IoError.Kind.ELSEWHERE, name + ": another server has the image");
  }

  @Override
  public CompletionStage<@Nullable Void> resize(long newSectors) {
    RbdDevice device = state.device;
    return device == null
        ? CompletableFuture.failedFuture(elsewhere(name).toException())
        : device.resize(newSectors);
  }

  @Override
  public @Nullable String interruption() {
    RbdDevice device = state.device;
    return device == null ? null : device.interruption();
  }

  /** Releases the lock, if this process has it, for whoever stands by. */
  @Override
  public CompletionStage<@Nullable Void> close() {
    RbdDevice device;
    CompletableFuture<?> last;
    synchronized (lock) {
      if (isClosing) {
        return closed;
      }
      isClosing = true;
      device = state.device;
      last = attempt;
    }
    if (device == null) {
      var _ = last.whenComplete((nothing, failure) -> endContender());
      closed.completeOnTimeout(null, CLOSE_NANOS, TimeUnit.NANOSECONDS);
    } else {
      device
          .close()
          .whenComplete((nothing, failure) -> {
            if (failure == null) {
              closed.complete(null);
            } else {
              closed.completeExceptionally(failure);
            }
          });
    }
    return closed;
  }

  private void endContender() {
    var _ =
        Patience.start(
                "rbd close " + name,
                () -> {
                  contender.close();
                  return true;
                },
                late -> {})
            .whenComplete((nothing, failure) -> closed.complete(null));
  }

  /** The stage of {@link #close}, without closing. */
  public CompletionStage<@Nullable Void> whenClosed() {
    return closed;
  }

  @Override
  public String toString() {
    return name;
  }
}
