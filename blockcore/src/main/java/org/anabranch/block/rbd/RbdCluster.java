// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.rbd;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A client of a cluster, for the pool of one image. Each volume's image has a client of its own:
 * when another machine takes an image over, Ceph shuts out the client that had it, and no other
 * one. What belongs to the volume, such as the stores of its snapshots, is used through the same
 * client ({@link #beside}), and is shut out with it.
 *
 * <p>Every method may wait for the cluster, for ever: see {@link Patience}. One thread at a time.
 */
final class RbdCluster implements AutoCloseable {
  /** Layering, exclusive lock, object map, fast diff, deep flatten: what {@code rbd create} has. */
  private static final long FEATURES = 1 | 4 | 8 | 16 | 32;

  /** What this client needs to be otherwise than the configuration file says. */
  private static final String[][] SETTINGS = {
    {"rbd_cache", "false"}, // so that what is acknowledged is durable
    {"rbd_disable_zero_copy_writes", "true"}, // so that a write's memory can be given back at once
    {"client_mount_timeout", "10"},
    {"rados_mon_op_timeout", "10"},
    // How soon a client asks for a new map when an OSD does not answer; by default after 10 to 15
    // s, half of what a request may take here.
    {"objecter_tick_interval", "0.5"},
    {"objecter_timeout", "1"},
  };

  private final RbdImage image;

  /** Features of images that one client uses, whose owner is known by another image's lock. */
  private static final long FEATURES_BESIDE = 1;

  /** The connection, which ends with the last one that uses it. */
  private record Connection(long handle, AtomicInteger users) {
    void release() {
      if (users.decrementAndGet() == 0) {
        Librados.shutdown(handle);
      }
    }
  }

  private final Connection connection;
  private final long ioctx;

  private RbdCluster(RbdImage image, Connection connection, long ioctx) {
    this.image = image;
    this.connection = connection;
    this.ioctx = ioctx;
  }

  /** Connects to the cluster of an image. */
  static RbdCluster connect(RbdImage image) throws IOException {
    CephLibraries.load();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment handle = arena.allocateFrom(ValueLayout.JAVA_LONG, 0);
      check("user " + image.user(), Librados.create(handle, image.user()));
      long cluster = handle.get(ValueLayout.JAVA_LONG, 0);
      boolean isDone = false;
      try {
        check(image.conf(), Librados.confReadFile(cluster, image.conf()));
        for (String[] setting : SETTINGS) {
          check(setting[0], Librados.confSet(cluster, setting[0], setting[1]));
        }
        check(
            "Ceph cluster of " + image.conf() + ", user " + image.user(),
            Librados.connect(cluster));
        long ioctx = pool(cluster, image);
        isDone = true;
        return new RbdCluster(image, new Connection(cluster, new AtomicInteger(1)), ioctx);
      } finally {
        if (!isDone) {
          Librados.shutdown(cluster);
        }
      }
    }
  }

  private static long pool(long cluster, RbdImage image) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment handle = arena.allocateFrom(ValueLayout.JAVA_LONG, 0);
      int result = Librados.ioctxCreate(cluster, image.pool(), handle);
      if (result == -RbdErrors.ENOENT) {
        throw new IOException("there is no pool " + image.pool());
      }
      check("pool " + image.pool(), result);
      long ioctx = handle.get(ValueLayout.JAVA_LONG, 0);
      if (!image.namespace().isEmpty()) {
        Librados.ioctxSetNamespace(ioctx, image.namespace());
      }
      return ioctx;
    }
  }

  /** The same client, for another image of the cluster. It lives until all of them are closed. */
  RbdCluster beside(RbdImage other) throws IOException {
    long otherIoctx = pool(connection.handle(), other);
    connection.users().incrementAndGet();
    return new RbdCluster(other, connection, otherIoctx);
  }

  static void check(String what, long result) throws IOException {
    if (result < 0) {
      throw RbdErrors.exception(what, result);
    }
  }

  /** Makes the image. */
  void make(long bytes) throws IOException {
    make(bytes, FEATURES);
  }

  /** Makes an image without a lock of its own, for one that {@link #beside} leads to. */
  void makeBeside(long bytes) throws IOException {
    make(bytes, FEATURES_BESIDE);
  }

  private void make(long bytes, long features) throws IOException {
    int result = Librbd.create(ioctx, image.name(), bytes, features);
    if (result == -RbdErrors.EEXIST) {
      throw new IOException("the image exists already");
    }
    check("the image cannot be made", result);
  }

  /** Deletes the image; nothing happens when it is absent. */
  void remove() throws IOException {
    int result = Librbd.remove(ioctx, image.name());
    if (result != -RbdErrors.ENOENT) {
      check("the image cannot be deleted", result);
    }
  }

  /**
   * Opens the image.
   *
   * @throws RbdAbsentException there is none
   */
  RbdClient open(boolean readOnly) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment handle = arena.allocateFrom(ValueLayout.JAVA_LONG, 0);
      int result = Librbd.open(ioctx, image.name(), readOnly, handle);
      if (result == -RbdErrors.ENOENT) {
        throw new RbdAbsentException("there is no image " + image.spec());
      }
      check("the image cannot be opened", result);
      return new RbdClient(this, handle.get(ValueLayout.JAVA_LONG, 0));
    }
  }

  /** The id of this client. */
  long clientId() {
    return Librados.instanceId(connection.handle());
  }

  /**
   * Notifies all who watch an object.
   *
   * @param millis how long they have to acknowledge, whole seconds
   * @return the ids of the clients who did
   */
  Set<Long> acknowledged(String object, byte[] payload, long millis) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment reply = arena.allocate(ValueLayout.JAVA_LONG, 2);
      int result = Librados.notify(ioctx, object, payload, millis, reply);
      long address = reply.getAtIndex(ValueLayout.JAVA_LONG, 0);
      try {
        if (result != -RbdErrors.ETIMEDOUT) {
          check("the notification of " + object, result);
        }
        long bytes = reply.getAtIndex(ValueLayout.JAVA_LONG, 1);
        return address == 0
            ? Set.of()
            : OwnerProbe.acknowledged(Libc.memory(address, bytes).asByteBuffer());
      } finally {
        if (address != 0) {
          Librados.bufferFree(address);
        }
      }
    }
  }

  /**
   * Changes a value of an object's map if it is as expected, in one step.
   *
   * @param expected empty: also when there is none
   * @return whether it was
   */
  boolean exchange(String object, String key, String expected, String value) throws IOException {
    int result =
        Librados.exchange(
            ioctx,
            object,
            key,
            expected.getBytes(StandardCharsets.UTF_8),
            value.getBytes(StandardCharsets.UTF_8));
    if (result == -RbdErrors.ECANCELED) {
      return false;
    }
    check(key + " of " + object, result);
    return true;
  }

  @Override
  public void close() {
    Librados.ioctxDestroy(ioctx);
    connection.release();
  }
}
