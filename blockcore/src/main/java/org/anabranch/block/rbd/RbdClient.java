// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.rbd;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An open image and the client that has it open. Every method may wait for the cluster, for ever:
 * see {@link Patience}. Any thread; after {@link #close}, all fail.
 */
@SuppressWarnings("restricted") // librbd calls back with extents
final class RbdClient implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RbdClient.class);

  /** The label that says which process has the lock. */
  static final String HOLDER = "anabranch.holder";

  private static final int FEATURE_EXCLUSIVE_LOCK = 4;
  private static final long LABEL_BYTES = 4096;
  private static final long MAX_LABEL_BYTES = 64 << 20;
  private static final int ID_BYTES = 256;

  private final RbdCluster cluster;
  private final long image;

  /** Held shared by a call, so that the image is not closed below it. */
  private final ReentrantReadWriteLock open = new ReentrantReadWriteLock();

  @GuardedBy("open")
  private boolean isClosed;

  @FunctionalInterface
  private interface Call<T> {
    T make() throws IOException;
  }

  RbdClient(RbdCluster cluster, long image) {
    this.cluster = cluster;
    this.image = image;
  }

  /**
   * Opens an image with a client of its own.
   *
   * @param options for reading only, its lock is left to others
   * @param silences as {@link #lock}
   * @throws RbdAbsentException there is none
   * @throws RbdHeldException another client has the lock
   */
  static RbdClient open(RbdImage image, RbdOptions options, int silences) throws IOException {
    RbdClient client = join(image, options.readOnly());
    if (!options.readOnly()) {
      try {
        client.lock(image, options, silences);
      } catch (IOException e) {
        client.close();
        throw e;
      }
    }
    return client;
  }

  /**
   * Opens an image with a client of its own, without its lock.
   *
   * @throws RbdAbsentException there is none
   */
  static RbdClient join(RbdImage image, boolean readOnly) throws IOException {
    RbdCluster cluster = RbdCluster.connect(image);
    try {
      return cluster.open(readOnly);
    } catch (IOException e) {
      cluster.close();
      throw e;
    }
  }

  /**
   * Takes the lock.
   *
   * @param silences after how many questions without an answer its owner counts as dead, if it is a
   *     server like this; 0: it is not asked
   * @throws RbdHeldException another client has it
   */
  void lock(RbdImage image, RbdOptions options, int silences) throws IOException {
    if ((Librbd.getFeatures(this.image) & FEATURE_EXCLUSIVE_LOCK) == 0) {
      throw new IOException(
          "the image has no exclusive lock, which keeps others from writing to it: rbd feature"
              + " enable "
              + image.spec()
              + " exclusive-lock");
    }
    String keeper = label(RbdDevice.KEEPER);
    if (!options.server().isEmpty()
        && !keeper.isEmpty()
        && !keeper.equals(RbdDevice.ALL_SERVERS)
        && !keeper.equals(options.server())) {
      throw new RbdHeldException(
          "server "
              + keeper
              + " has snapshots of it on its own disk: remove them there, or, if that disk is"
              + " lost, forget them: rbd image-meta remove "
              + image.spec()
              + " "
              + RbdDevice.KEEPER);
    }
    String owner = Librbd.lockOwner(this.image);
    String why = owner.isEmpty() ? "" : whyToBreak(image, owner, options, silences);
    if (!why.isEmpty()) {
      LOG.info(
          "RBD image {}: its exclusive lock is taken from {}, which {}", image.spec(), owner, why);
      RbdCluster.check("the lock of " + owner, Librbd.lockBreak(this.image, owner));
    }
    int result = Librbd.lockAcquire(this.image);
    if (result == -RbdErrors.EROFS || result == -RbdErrors.EBUSY) {
      throw held(image);
    }
    RbdCluster.check("the image's exclusive lock", result);
    label(HOLDER, LockHolder.self(Librbd.lockOwner(this.image)).toString());
  }

  private static RbdHeldException held(RbdImage image) {
    return new RbdHeldException(
        "another client has the image's exclusive lock; rbd lock ls "
            + image.spec()
            + " says which one");
  }

  /**
   * Why the lock is taken from its owner; empty if it is only asked for it.
   *
   * @throws RbdHeldException its owner is a server like this, and alive
   */
  private String whyToBreak(RbdImage image, String owner, RbdOptions options, int silences)
      throws IOException {
    if (options.force()) {
      return "is shut out by Ceph, as an operator wants it";
    }
    String holder = label(HOLDER);
    if (LockHolder.isDead(holder, owner)) {
      return "is dead";
    }
    if (silences == 0 || !holder.startsWith(owner + " ")) {
      return "";
    }
    return switch (probe().ask(owner, silences)) {
      case SILENT -> "has not answered for " + silences + " s";
      case GONE -> "";
      case ALIVE, UNKNOWN -> throw held(image);
    };
  }

  /** For asking who has the lock; not longer than this is open. */
  OwnerProbe probe() throws IOException {
    return new OwnerProbe(cluster, image, id());
  }

  /**
   * Whether the cluster has shut this client out, or another one has taken the lock. For the client
   * that has it.
   */
  boolean isShutOut() throws IOException {
    return whileOpen(() -> {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment value = arena.allocate(LABEL_BYTES);
        MemorySegment length = arena.allocateFrom(ValueLayout.JAVA_LONG, LABEL_BYTES);
        return Librbd.metadataGet(image, HOLDER, value, length) == -RbdErrors.ESHUTDOWN;
      }
    });
  }

  /** Opens another image with this client, for writing, without a lock of its own. */
  RbdClient beside(RbdImage other) throws IOException {
    return whileOpen(() -> {
      RbdCluster its = cluster.beside(other);
      try {
        return its.open(false);
      } catch (IOException e) {
        its.close();
        throw e;
      }
    });
  }

  /** What can be done about another image with the client of this one. */
  interface Beside<T> {
    T make(RbdCluster its) throws IOException;
  }

  /** Does something about another image with this client. */
  <T> T beside(RbdImage other, Beside<T> call) throws IOException {
    return whileOpen(() -> {
      try (RbdCluster its = cluster.beside(other)) {
        return call.make(its);
      }
    });
  }

  /** The handle, for requests. */
  long image() {
    return image;
  }

  private <T> T whileOpen(Call<T> call) throws IOException {
    open.readLock().lock();
    try {
      if (isClosed) {
        throw new IOException("the image is closed");
      }
      return call.make();
    } finally {
      open.readLock().unlock();
    }
  }

  private void change(String what, LongSupplier call) throws IOException {
    whileOpen(() -> {
      long result = call.getAsLong();
      RbdCluster.check(what, result);
      return result;
    });
  }

  /** The image's length, bytes. */
  long bytes() throws IOException {
    return whileOpen(() -> {
      long bytes = Librbd.getSize(image);
      RbdCluster.check("the image's length", bytes);
      return bytes;
    });
  }

  /** What stays the same when the image is renamed, and no other image of the pool has. */
  String id() throws IOException {
    return whileOpen(this::readId);
  }

  private String readId() throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment into = arena.allocate(ID_BYTES);
      RbdCluster.check("the image's identity", Librbd.getId(image, into));
      return into.getString(0);
    }
  }

  void resize(long bytes) throws IOException {
    change("the image cannot be resized", () -> Librbd.resize(image, bytes));
  }

  void flush() throws IOException {
    change("the image cannot be flushed", () -> Librbd.flush(image));
  }

  /** A text that is kept with the image; empty if there is none of this key. */
  String label(String key) throws IOException {
    return whileOpen(() -> readLabel(key));
  }

  private String readLabel(String key) throws IOException {
    for (long bytes = LABEL_BYTES; ; bytes *= 4) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment value = arena.allocate(bytes);
        MemorySegment length = arena.allocateFrom(ValueLayout.JAVA_LONG, bytes);
        int result = Librbd.metadataGet(image, key, value, length);
        if (result == -RbdErrors.ENOENT) {
          return "";
        }
        if (result == -RbdErrors.ERANGE && bytes < MAX_LABEL_BYTES) {
          continue;
        }
        RbdCluster.check("the image's " + key, result);
        return value.getString(0, StandardCharsets.UTF_8);
      }
    }
  }

  /** Keeps a text with the image, durably. */
  void label(String key, String value) throws IOException {
    change("the image's " + key, () -> Librbd.metadataSet(image, key, value));
  }

  /**
   * Changes a text that is kept with the image if it is as expected, in one step and durably. It
   * needs no lock: librbd, which asks for one, is left out, and only the names are its own.
   *
   * @param expected empty: also when there is none
   * @return whether it was
   */
  boolean exchange(String key, String expected, String value) throws IOException {
    return whileOpen(
        () -> cluster.exchange("rbd_header." + readId(), "metadata_" + key, expected, value));
  }

  /**
   * Which sectors of a range may have data.
   *
   * @param sectors no more than an {@code int} has
   */
  BitSet allocated(long sector, long sectors) throws IOException {
    return whileOpen(() -> readAllocated(sector, sectors));
  }

  private BitSet readAllocated(long sector, long sectors) throws IOException {
    try (Arena arena = Arena.ofShared()) {
      Extents extents = new Extents(sector, sectors);
      MethodHandle visit = Extents.VISIT.bindTo(extents);
      MemorySegment callback = Linker.nativeLinker().upcallStub(visit, Extents.DESCRIPTOR, arena);
      int result = Librbd.diffIterate(image, sector << 9, sectors << 9, callback);
      RbdCluster.check("the image's extents", result);
      return extents.found();
    }
  }

  /** Takes the extents of a range. A thread of librbd may call it. */
  private static final class Extents {
    private static final int EIO = 5;

    static final FunctionDescriptor DESCRIPTOR =
        FunctionDescriptor.of(
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_LONG);
    static final MethodHandle VISIT = visitHandle();

    private final long first;
    private final long sectors;
    private final BitSet found = new BitSet(); // guarded by this

    Extents(long first, long sectors) {
      this.first = first;
      this.sectors = sectors;
    }

    private static MethodHandle visitHandle() {
      try {
        return MethodHandles.lookup()
            .findVirtual(
                Extents.class,
                "visit",
                MethodType.methodType(int.class, long.class, long.class, int.class, long.class));
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException(e);
      }
    }

    /** Nothing may be thrown here: that would end the process. */
    @SuppressWarnings({"unused", "CatchAndPrintStackTrace"}) // librbd calls it
    synchronized int visit(long offset, long bytes, int exists, long argument) {
      try {
        long from = Math.max(0, (offset >> 9) - first);
        long to = Math.min(sectors, ((offset + bytes + 511) >> 9) - first);
        if (exists != 0 && from < to) {
          found.set((int) from, (int) to);
        }
        return 0;
      } catch (Throwable e) {
        return -EIO;
      }
    }

    synchronized BitSet found() {
      return found;
    }
  }

  /** Waits for calls, releases the lock, and ends the client. */
  @Override
  public void close() {
    open.writeLock().lock();
    try {
      if (!isClosed) {
        isClosed = true;
        Librbd.close(image);
        cluster.close();
      }
    } finally {
      open.writeLock().unlock();
    }
  }
}
