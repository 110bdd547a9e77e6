// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.history;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.ScsiException;
import org.anabranch.initiator.Session;
import org.jspecify.annotations.Nullable;

/**
 * A host of which several threads, its lanes, write, read and flush the disks of a target at once
 * and record it. When its session is lost, because of a cut or a killed server, it logs in again as
 * the same initiator; only then its writes that had no answer count as ended, since the target
 * aborts what is left of them at that login.
 *
 * <p>Each sector of 512 bytes is filled with the {@link SectorPattern} of its place and write; the
 * sectors of a logical block must all be of one write.
 */
public final class HistoryHost implements AutoCloseable {
  private static final int MOST_BLOCKS = 16;
  private static final int SWEEP_BLOCKS = 128;
  private static final int HOT_BLOCKS = 24;
  private static final int PATIENCE = 60;
  private static final int TAG = 0;

  /** A lane looks for a disk again after this, when none is served for the moment. */
  private static final long NO_DISK_NANOS = 1_000_000;

  /** Logs in at the target, as the same initiator port each time. */
  @FunctionalInterface
  public interface Connector {
    /**
     * Waits until there is a server, and logs in. One thread at a time.
     *
     * @return null when this host is to end
     */
    @Nullable Session connect() throws InterruptedException;
  }

  private final Recorder recorder;
  private final ServedDisks served;
  private final String target;
  private final int writer;
  private final Connector connector;
  private final List<Thread> lanes = new ArrayList<>();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private final Map<String, Disk> disks = new ConcurrentHashMap<>(); // of the present session
  private volatile boolean stopped;
  private final Object quiet = new Object();
  private int running; // lanes that are not waiting for a session; guarded by quiet
  private volatile @Nullable Session session; // changes under this
  private final LongAdder operations = new LongAdder();
  private final LongAdder reconnects = new LongAdder();
  private final LongAdder errors = new LongAdder();
  private volatile boolean errorsExpected;
  private volatile long firstWrite; // of the present session, by System.nanoTime; 0: none yet

  /**
   * Not running yet.
   *
   * @param writer its number among all hosts that use the recorder
   */
  public HistoryHost(
      Recorder recorder, ServedDisks served, String target, int writer, Connector connector) {
    this.recorder = recorder;
    this.served = served;
    this.target = target;
    this.writer = writer;
    this.connector = connector;
  }

  /** A command that ends with an error is no failure: a write of it was made or not. */
  public HistoryHost expectErrors() {
    errorsExpected = true;
    return this;
  }

  /** Commands that ended with an error which was expected. */
  public long errors() {
    return errors.sum();
  }

  /** Begins. The seed decides what each lane does, in order. */
  public void start(int depth, SplittableRandom seeds) {
    for (int i = 0; i < depth; i++) {
      SplittableRandom random = seeds.split();
      lanes.add(Thread.ofVirtual().name("host " + writer + " lane " + i).start(() -> lane(random)));
    }
  }

  /** Closes the connection without a word, as a network does. */
  public void cut() {
    Session present = session;
    if (present != null) {
      present.close();
    }
  }

  /** Whether the target answers a ping in time; true when there is no session to ask by. */
  public boolean answers(Duration limit) throws InterruptedException {
    Session present = session;
    if (present == null || !present.isOpen()) {
      return true;
    }
    try {
      present.ping(new byte[0]).get(limit.toMillis(), TimeUnit.MILLISECONDS);
      return true;
    } catch (ExecutionException e) { // it has ended
      return true;
    } catch (TimeoutException e) {
      return false;
    }
  }

  /** When the first write of the present session was acknowledged; 0 if none was yet. */
  public long firstWrite() {
    return firstWrite;
  }

  /** Logs out; the next command logs in again. */
  public void logOut() throws IOException, InterruptedException {
    Session present = session;
    try {
      if (present != null && present.isOpen()) {
        Initiator.await(present.logout(), PATIENCE);
      }
    } catch (IOException e) {
      if (present.isOpen()) { // else it was lost just now, which is as good
        throw e;
      }
    }
  }

  /** What made a lane end, other than a loss of the connection. */
  public @Nullable Throwable failure() {
    return failure.get();
  }

  /** Whether it is logged in, or has no lane that logs in by itself. */
  public boolean isSettled() {
    Session present = session;
    return lanes.isEmpty() || (present != null && present.isOpen());
  }

  /** Operations that had an answer. */
  public long operations() {
    return operations.sum();
  }

  public long reconnects() {
    return reconnects.sum();
  }

  /** Ends the lanes and waits for them. The connector must not wait any more. */
  @Override
  public void close() {
    stopped = true;
    cut();
    for (Thread lane : lanes) {
      try {
        lane.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /**
   * Waits until every answer that came before the connection was lost has been recorded, and all
   * lanes wait for another session. For a target that is dead.
   */
  public void awaitQuiet() throws InterruptedException {
    synchronized (quiet) {
      while (running > 0) {
        quiet.wait();
      }
    }
  }

  private void running(int change) {
    synchronized (quiet) {
      running += change;
      quiet.notifyAll();
    }
  }

  private void lane(SplittableRandom random) {
    running(1);
    try {
      while (!stopped && failure.get() == null) {
        Session on = session(null);
        if (on == null) {
          return;
        }
        long id = 0;
        try (ServedDisks.Use use = served.any(target, random)) {
          if (use == null) {
            LockSupport.parkNanos(NO_DISK_NANOS);
            continue;
          }
          Operation operation = new Operation(use.disk(), random);
          id = operation.id;
          operation.run(on);
          answered();
        } catch (IOException e) {
          lost(on, id, e);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      failure.compareAndSet(null, e);
    } finally {
      running(-1);
    }
  }

  private void answered() {
    operations.increment();
  }

  /** An error while the session lives is one that nobody expects, unless the disk has some. */
  private void lost(Session on, long id, IOException e) throws InterruptedException {
    if (errorsExpected && e instanceof ScsiException) {
      errors.increment();
    } else if (on.isOpen() && !stopped) {
      failure.compareAndSet(null, e);
    } else {
      session(on);
    }
    if (!stopped && id != 0) {
      recorder.failed(id);
    }
  }

  /** The session; another one than {@code gone}, and one that is open. */
  private @Nullable Session session(@Nullable Session gone) throws InterruptedException {
    running(-1);
    try {
      return openSession(gone);
    } finally {
      running(1);
    }
  }

  private synchronized @Nullable Session openSession(@Nullable Session gone)
      throws InterruptedException {
    Session present = session;
    if (present == null || present == gone || !present.isOpen()) {
      if (stopped) {
        return null;
      }
      disks.clear();
      firstWrite = 0;
      present = connector.connect();
      session = present;
      reconnects.increment();
    }
    return present;
  }

  /** Reads every block of every disk that is served here, one after the other. */
  public void sweep() throws IOException, InterruptedException {
    for (ServedDisks.Served each : served.of(target)) {
      try (ServedDisks.Use use = served.use(each.name())) {
        for (int first = 0; use != null && first < use.disk().blocks(); first += SWEEP_BLOCKS) {
          int count = Math.min(SWEEP_BLOCKS, use.disk().blocks() - first);
          read(use.disk(), first, count);
        }
      }
    }
  }

  private void read(ServedDisks.Served disk, int first, int count)
      throws IOException, InterruptedException {
    Session on = openSession(null);
    if (on != null) {
      new Operation(disk, Kind.READ, first, count).run(on);
    }
  }

  /** By its name in the history: a LUN may be another disk later, with other blocks. */
  private Disk open(Session on, ServedDisks.Served each) throws IOException, InterruptedException {
    Disk disk = disks.get(each.name());
    if (disk == null || disk.session() != on) {
      disk = Initiator.await(Disk.open(on, each.lun()), PATIENCE);
      disks.put(each.name(), disk);
    }
    return disk;
  }

  private enum Kind {
    READ,
    WRITE,
    WRITE_FUA,
    FLUSH
  }

  /** One operation, recorded as begun. */
  private final class Operation {
    private final ServedDisks.Served disk;
    private final Kind kind;
    private final int first;
    private final int count;
    private final long id;

    Operation(ServedDisks.Served disk, SplittableRandom random) {
      this(
          disk,
          kind(disk, random),
          random.nextInt(
              random.nextBoolean() ? Math.min(HOT_BLOCKS, disk.blocks()) : disk.blocks()),
          1 + (random.nextInt(3) == 0 ? random.nextInt(MOST_BLOCKS) : random.nextInt(2)));
    }

    Operation(ServedDisks.Served disk, Kind kind, int first, int most) {
      this.disk = disk;
      this.kind = recorder.flushDue(disk.name()) ? Kind.FLUSH : kind;
      this.first = first;
      this.count = Math.min(most, disk.blocks() - first);
      this.id =
          switch (this.kind) {
            case READ -> recorder.read(writer, disk.name(), first, count);
            case WRITE -> recorder.write(writer, disk.name(), first, count, false);
            case WRITE_FUA -> recorder.write(writer, disk.name(), first, count, true);
            case FLUSH -> recorder.flush(writer, disk.name());
          };
    }

    private static Kind kind(ServedDisks.Served disk, SplittableRandom random) {
      int choice = random.nextInt(100);
      if (choice < 45 || !disk.writable()) {
        return Kind.READ;
      }
      return choice < 90 ? Kind.WRITE : choice < 96 ? Kind.WRITE_FUA : Kind.FLUSH;
    }

    void run(Session on) throws IOException, InterruptedException {
      Disk at = open(on, disk);
      long lba = first;
      if (kind == Kind.READ) {
        ByteBuffer data = Initiator.await(at.read(lba, count), PATIENCE);
        List<Long> values = new ArrayList<>(count);
        String damage = values(data, values);
        recorder.happened(new Event.Saw(id, values, damage));
        return;
      }
      switch (kind) {
        case WRITE -> Initiator.await(at.write(lba, data()), PATIENCE);
        case WRITE_FUA -> Initiator.await(at.writeThrough(lba, data()), PATIENCE);
        default -> Initiator.await(at.flush(), PATIENCE);
      }
      recorder.done(id);
      if (kind != Kind.FLUSH && firstWrite == 0 && on == session) {
        firstWrite = System.nanoTime();
      }
    }

    private ByteBuffer data() {
      ByteBuffer data = ByteBuffer.allocate(count * disk.blockSize());
      for (int at = 0; at < count * disk.blockSize(); at += SectorPattern.SECTOR) {
        SectorPattern.write(data, at, TAG, sector(at), id);
      }
      return data;
    }

    private long sector(int at) {
      return ((long) first * disk.blockSize() + at) / SectorPattern.SECTOR;
    }

    /** Adds the value of each block; the description of the first that is none. */
    private String values(ByteBuffer data, List<Long> values) {
      String damage = "";
      for (int block = 0; block < count; block++) {
        int from = block * disk.blockSize();
        long value = SectorPattern.read(data, from, TAG, sector(from));
        for (int at = from; at < from + disk.blockSize(); at += SectorPattern.SECTOR) {
          long here = SectorPattern.read(data, at, TAG, sector(at));
          if (here != value || here == SectorPattern.FOREIGN) {
            damage = damage.isEmpty() ? describe(data, from) : damage;
            value = SectorPattern.FOREIGN;
          }
        }
        values.add(value);
      }
      return damage;
    }

    private String describe(ByteBuffer data, int from) {
      List<String> parts = new ArrayList<>();
      for (int at = from; at < from + disk.blockSize(); at += SectorPattern.SECTOR) {
        String part = SectorPattern.describe(data, at, TAG, sector(at));
        if (parts.isEmpty() || !parts.getLast().equals(part)) {
          parts.add(part);
        }
      }
      return String.join(" then ", parts);
    }
  }
}
