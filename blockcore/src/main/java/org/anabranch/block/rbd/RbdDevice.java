// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.rbd;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.util.BitSet;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.anabranch.block.Io;
import org.anabranch.block.IoCounter;
import org.anabranch.block.IoError;
import org.anabranch.block.IoGate;
import org.anabranch.block.IoSplit;
import org.anabranch.block.Limits;
import org.anabranch.block.ResizableDevice;
import org.anabranch.block.Scheduler;
import org.anabranch.block.count.Counters;
import org.anabranch.block.count.Counts;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An RBD image as a block device. It holds the image's exclusive lock while it is open.
 *
 * <dl>
 *   <dt>When is a write durable?
 *   <dd>When it completes: librbd does not cache here, and the cluster answers when every replica
 *       has the data. So a flush has little to do, and a durable write is a write.
 *   <dt>What if the cluster does not answer?
 *   <dd>Requests wait, and {@link #interruption} says so. Each fails after {@link
 *       RbdOptions#outageNanos}. When the cluster is back, everything goes on by itself; see {@link
 *       RbdRequest} for writes that had failed.
 *   <dt>What if another client takes the image over?
 *   <dd>Who breaks the lock has this client shut out by the cluster ("blocklisted"), before it
 *       writes. All requests then fail with {@link IoError.Kind#ELSEWHERE}, for ever: {@link
 *       #departure} says so. It is noticed by the next request, or by {@link #verify}.
 *   <dt>What if the image is made shorter by others?
 *   <dd>Reads beyond its new end fail; {@link #sectors} stays.
 *   <dt>What does a discard do?
 *   <dd>The range reads as zeros, and its storage is freed: that of objects (4 MiB) which are
 *       discarded whole, and parts of others where the OSD can do that.
 *   <dt>What does the block status say?
 *   <dd>Which objects there are: a hole is one of whole objects.
 * </dl>
 */
public final class RbdDevice implements ResizableDevice {
  private static final Logger LOG = LoggerFactory.getLogger(RbdDevice.class);

  /**
   * The label with the id of a server that has snapshots of the image on its own disk; empty or
   * absent when none has. No other server may write to the image then.
   */
  public static final String KEEPER = "anabranch.snapshots-at";

  /**
   * Said by {@link #KEEPER} of an image whose snapshots have their stores in the cluster, so that
   * every server that knows of them may take it. Versions that do not know of them leave it alone.
   */
  public static final String ALL_SERVERS = "the-cluster";

  /** The most data in one request to librbd. */
  private static final int MAX_SECTORS = 8 << 20 >> 9;

  /**
   * The most that is discarded in one request, some 64 objects; also that block status looks at.
   */
  private static final int MAX_RANGE_SECTORS = 256 << 20 >> 9;

  private final String name;
  private final RbdImage image;
  private final RbdOptions options;
  private final RbdClient client;
  private final Scheduler scheduler;
  private final Counts counts;
  private final Counters<IoCounter> ios;
  private final Counters<RbdCounter> counters;
  private final RbdQueue queue;
  private final RbdEvents events;
  private final IoGate gate = new IoGate(true);
  private final CompletableFuture<@Nullable Void> closed = new CompletableFuture<>();
  private volatile long sectors;

  private final Object labels = new Object();

  /** The end of the last change of a text that the image carries; another one waits for it. */
  @GuardedBy("labels")
  private CompletableFuture<?> lastLabel = CompletableFuture.completedFuture(null);

  @GuardedBy("this")
  private boolean isClosing;

  private RbdDevice(
      String name,
      RbdImage image,
      RbdOptions options,
      RbdClient client,
      Scheduler scheduler,
      Counts counts)
      throws IOException {
    this.counts = counts;
    this.ios = counts.counters(IoCounter.class);
    this.counters = counts.counters(RbdCounter.class);
    this.name = name;
    this.image = image;
    this.options = options;
    this.client = client;
    this.scheduler = scheduler;
    this.sectors = client.bytes() >> 9;
    this.queue = new RbdQueue(name, client.image(), options.outageNanos(), scheduler, counters);
    this.events = RbdEvents.start(name, client.image(), queue);
  }

  /**
   * Opens an image, and takes its lock unless it is for reading only. Blocks, at most as long as
   * the options allow for a call.
   *
   * @param name the device's name in messages and tables
   * @throws RbdAbsentException the cluster has no such image
   * @throws RbdHeldException another client has its lock
   * @throws IOException with a message of one line that does not name the image: the cluster cannot
   *     be reached or does not answer, the image's lock is taken, or the libraries are missing
   */
  public static RbdDevice open(String name, RbdImage image, RbdOptions options, Scheduler scheduler)
      throws IOException {
    return open(name, image, options, 0, scheduler, new Counts());
  }

  /**
   * The same for a device that counts where another one has counted before.
   *
   * @param silences after how many questions without an answer the lock's owner counts as dead, if
   *     it is a server like this; 0: it is not asked
   */
  static RbdDevice open(
      String name,
      RbdImage image,
      RbdOptions options,
      int silences,
      Scheduler scheduler,
      Counts counts)
      throws IOException {
    CephLibraries.load();
    return Patience.await(
        options.callNanos(),
        "rbd open " + name,
        () -> of(name, image, options, RbdClient.open(image, options, silences), scheduler, counts),
        RbdDevice::close);
  }

  /**
   * The device of a client that has the lock, if it needs it; it closes the client, also when it
   * fails. May wait for the cluster, for ever.
   */
  static RbdDevice of(
      String name,
      RbdImage image,
      RbdOptions options,
      RbdClient client,
      Scheduler scheduler,
      Counts counts)
      throws IOException {
    try {
      if (client.bytes() < 512) {
        throw new IOException("the image has no contents");
      }
      return new RbdDevice(name, image, options, client, scheduler, counts);
    } catch (IOException | RuntimeException | Error e) {
      client.close();
      throw e;
    }
  }

  /**
   * Opens another image with the client of this one, for writing: whoever shuts this one out shuts
   * that one out, too. It needs no lock of its own. May block.
   *
   * @param otherName its name in messages and tables
   * @throws RbdAbsentException the cluster has no such image
   * @throws IOException as {@link #open}
   */
  public RbdDevice openBeside(String otherName, RbdImage other) throws IOException {
    RbdOptions its = RbdOptions.DEFAULT.withTimes(options.outageNanos(), options.callNanos());
    RbdDevice device =
        Patience.await(
            options.callNanos(),
            "rbd open " + otherName,
            () -> of(otherName, other, its, client.beside(other), scheduler, new Counts()),
            RbdDevice::close);
    Runnable departure = device.queue::shutOut;
    device.onDeparture(queue::shutOut);
    device.whenClosed().whenComplete((nothing, failure) -> queue.forgetGone(departure));
    onDeparture(departure);
    return device;
  }

  /**
   * Makes an image without a lock of its own, which reads as zeros, durably, with the client of
   * this one. May block. One that is made when nobody waits for it any more is deleted again.
   */
  public void makeBeside(RbdImage other, long bytes) throws IOException {
    Patience.await(
        options.callNanos(),
        "rbd make " + other.spec(),
        () ->
            client.beside(
                other,
                its -> {
                  its.makeBeside(bytes);
                  return other;
                }),
        this::deleteLate);
  }

  private void deleteLate(RbdImage made) {
    try {
      client.beside(made, RbdDevice::remove);
      LOG.warn("{}: deleted again: Ceph has made it too late", made.spec());
    } catch (IOException e) {
      LOG.error(
          "{} was made too late and is not used; it cannot be deleted ({}): rbd rm {}",
          made.spec(),
          e.getMessage(),
          made.spec());
    }
  }

  private static boolean remove(RbdCluster its) throws IOException {
    its.remove();
    return true;
  }

  /**
   * Deletes another image, durably, with the client of this one; nothing happens when there is
   * none. May block.
   */
  public void deleteBeside(RbdImage other) throws IOException {
    Patience.await(
        options.callNanos(),
        "rbd delete " + other.spec(),
        () -> client.beside(other, RbdDevice::remove),
        late -> {});
  }

  /** How many bytes another image has; -1 when there is none. May block. */
  public long bytesBeside(RbdImage other) throws IOException {
    return Patience.await(
        options.callNanos(),
        "rbd look " + other.spec(),
        () -> {
          try (RbdClient its = client.beside(other)) {
            return its.bytes();
          } catch (RbdAbsentException e) {
            return -1L;
          }
        },
        late -> {});
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
    return sectors;
  }

  @Override
  public Limits limits() {
    return limits(options);
  }

  static Limits limits(RbdOptions options) {
    return new Limits(
        options.logicalBlockSize(),
        options.physicalBlockSize(),
        options.readOnly(),
        true,
        true,
        Math.max(1, options.physicalBlockSize() >> 9));
  }

  @Override
  public Counts counts() {
    return counts;
  }

  @Override
  public void submit(Io io) {
    if (!gate.enter(io)) {
      IoError gone = queue.gone();
      end(io, gone == null ? IoError.of(IoError.Kind.GONE, name + " is closed") : gone);
    } else if (io.end() > sectors) {
      end(io, IoError.outOfRange(io, sectors));
    } else if (io.sectors() == 0 && io.op() != Io.Op.FLUSH) {
      io.complete(null);
    } else if (io.modifies() && options.readOnly()) {
      end(io, IoError.of(IoError.Kind.READ_ONLY, name + " is read-only"));
    } else {
      IoCounter.count(ios, io);
      io.push(this::end);
      start(io);
    }
  }

  private void end(Io io, @Nullable IoError error) {
    if (error != null) {
      counters.increment(RbdCounter.ERRORS);
    }
    io.complete(error);
  }

  private void start(Io io) {
    switch (io.op()) {
      case READ, WRITE -> IoSplit.divide(io, MAX_SECTORS, queue::submit);
      case DISCARD, WRITE_ZEROES -> IoSplit.divide(io, MAX_RANGE_SECTORS, queue::submit);
      case FLUSH -> queue.submit(io);
      case BLOCK_STATUS -> status(io);
    }
  }

  /** By a thread of its own, since librbd waits for the answer. */
  private void status(Io io) {
    long sector = io.sector();
    long count = Math.min(MAX_RANGE_SECTORS, io.sectors());
    call("rbd status " + name, () -> client.allocated(sector, count))
        .whenComplete((found, failure) -> {
          if (failure == null) {
            answer(io, found, (int) count);
            io.complete(null);
          } else {
            IoError why = queue.gone();
            io.complete(
                why == null ? IoError.io(sector, name + ": " + words(failure), failure) : why);
          }
        });
  }

  private static void answer(Io io, BitSet found, int count) {
    boolean isAllocated = found.get(0);
    int end = isAllocated ? found.nextClearBit(0) : found.nextSetBit(0);
    io.answer(isAllocated, end < 0 ? count : Math.min(end, count));
  }

  /** A call that may wait, which fails when it takes too long. */
  private <T> CompletionStage<T> call(String what, Callable<T> call) {
    return Patience.start(what, call, late -> {})
        .orTimeout(options.callNanos(), TimeUnit.NANOSECONDS);
  }

  private static String words(Throwable failure) {
    return failure instanceof TimeoutException
        ? "the Ceph cluster does not answer"
        : String.valueOf(failure.getMessage());
  }

  @Override
  public CompletionStage<@Nullable Void> resize(long newSectors) {
    if (options.readOnly()) {
      return CompletableFuture.failedFuture(new IOException(name + " is read-only"));
    }
    synchronized (this) {
      if (isClosing) {
        return CompletableFuture.failedFuture(new IOException(name + " is closed"));
      }
    }
    return call(
            "rbd resize " + name,
            () -> {
              client.resize(newSectors << 9);
              sectors = client.bytes() >> 9;
              return true;
            })
        .handle((done, failure) -> {
          if (failure == null) {
            return null;
          }
          throw new CompletionException(new IOException(name + ": " + words(failure), failure));
        });
  }

  /** A text that the image carries; empty if it carries none of this key. May block. */
  public String label(String key) throws IOException {
    return Patience.await(
        options.callNanos(), "rbd label " + name, () -> client.label(key), late -> {});
  }

  /**
   * Lets the image carry a text, durably, in the order of the calls. May block.
   *
   * @throws IOException when it is not there, nor comes later: what the cluster took after the time
   *     was over is taken back as soon as it answers, and further texts are refused until then
   */
  public void label(String key, String value) throws IOException {
    CompletableFuture<?> ended = new CompletableFuture<>();
    synchronized (labels) {
      if (!lastLabel.isDone()) {
        throw new IOException("Ceph has not answered yet to what the image was to carry before");
      }
      lastLabel = ended;
    }
    AtomicBoolean hasBegun = new AtomicBoolean();
    try {
      String before =
          Patience.await(
              options.callNanos(),
              "rbd label " + name,
              () -> {
                hasBegun.set(true);
                return change(key, value, ended);
              },
              late -> takeBack(key, late, ended));
      LOG.trace("{}: {} was {}", name, key, before);
      ended.complete(null);
    } catch (IOException e) {
      if (!hasBegun.get()) {
        ended.complete(null);
      }
      throw e;
    }
  }

  /** Changes a text; returns what it was before. */
  private String change(String key, String value, CompletableFuture<?> ended) throws IOException {
    try {
      String before = client.label(key);
      client.label(key, value);
      return before;
    } catch (IOException | RuntimeException e) {
      ended.complete(null);
      throw e;
    }
  }

  private void takeBack(String key, String before, CompletableFuture<?> ended) {
    try {
      client.label(key, before);
      LOG.warn("{}: {} is as it was: Ceph took its change too late", name, key);
    } catch (IOException e) {
      LOG.error("{}: {} was changed too late: {}", name, key, e.getMessage());
    } finally {
      ended.complete(null);
    }
  }

  /**
   * Changes a text that the image carries if it is as expected, in one step and durably. May block.
   *
   * @param expected empty: also when it carries none of this key
   * @return whether it was
   * @throws IOException when it is not known whether it was changed, too
   */
  public boolean exchange(String key, String expected, String value) throws IOException {
    return Patience.await(
        options.callNanos(),
        "rbd exchange " + name,
        () -> exchangeNow(key, expected, value),
        late -> {});
  }

  private boolean exchangeNow(String key, String expected, String value) throws IOException {
    try {
      return client.exchange(key, expected, value);
    } catch (IOException e) {
      if (client.isShutOut()) {
        queue.shutOut();
      }
      throw e;
    }
  }

  /** What stays the same when the image is renamed, and no other image of its pool has. */
  public String id() throws IOException {
    return Patience.await(options.callNanos(), "rbd id " + name, client::id, late -> {});
  }

  @Override
  public @Nullable String interruption() {
    return queue.interruption();
  }

  @Override
  public @Nullable String departure() {
    IoError gone = queue.gone();
    return gone == null ? null : gone.message();
  }

  /** How many requests Ceph has answered. */
  long answers() {
    return queue.answers();
  }

  /**
   * Finds out whether this client was shut out, also when nobody has a request. Does not wait for
   * the answer; {@link #onDeparture} tells of it.
   */
  CompletionStage<Boolean> verify() {
    return Patience.start("rbd verify " + name, client::isShutOut, late -> {})
        .whenComplete((isShutOut, failure) -> {
          if (failure == null && isShutOut) {
            queue.shutOut();
          }
        });
  }

  /** Has {@code listener} run, once, when {@link #departure} is known; at once if it is already. */
  void onDeparture(Runnable listener) {
    queue.onGone(listener);
  }

  /** Waits for what is in flight, then releases the lock and ends the client. */
  @Override
  public CompletionStage<@Nullable Void> close() {
    synchronized (this) {
      if (isClosing) {
        return closed;
      }
      isClosing = true;
    }
    gate.shut().thenAccept(empty -> startToClose());
    return closed;
  }

  private void startToClose() {
    call("rbd close " + name, this::closeNow).whenComplete((flushed, failure) -> closed(failure));
  }

  private boolean closeNow() throws IOException, InterruptedException {
    try {
      if (!options.readOnly() && queue.gone() == null) {
        flushUnlessShutOut();
      }
    } finally {
      events.end();
      client.close();
      events.release();
      queue.release();
    }
    return true;
  }

  /** A client that was shut out has nothing to flush: what it had not written has failed. */
  private void flushUnlessShutOut() throws IOException {
    try {
      client.flush();
    } catch (IOException e) {
      if (!client.isShutOut()) {
        throw e;
      }
      queue.shutOut();
    }
  }

  private void closed(@Nullable Throwable failure) {
    if (failure == null) {
      closed.complete(null);
    } else {
      LOG.warn("{}: it was not closed well: {}", name, words(failure));
      closed.completeExceptionally(new IOException(name + ": " + words(failure), failure));
    }
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
