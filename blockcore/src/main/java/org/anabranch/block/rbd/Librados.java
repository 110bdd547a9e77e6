// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.rbd;

import static org.anabranch.block.rbd.CephLibraries.call;
import static org.anabranch.block.rbd.CephLibraries.callInt;
import static org.anabranch.block.rbd.CephLibraries.function;
import static org.anabranch.block.rbd.CephLibraries.longFunction;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Functions of librados, with its words. A handle is an address; a failure is a negated error
 * number. All of them may wait for the cluster. {@link CephLibraries#load} comes first.
 */
final class Librados {
  private static final SymbolLookup LIBRARY = CephLibraries.library("librados.so.2");
  private static final MethodHandle CREATE = function(LIBRARY, "rados_create");
  private static final MethodHandle CONF_READ_FILE = function(LIBRARY, "rados_conf_read_file");
  private static final MethodHandle CONF_SET = function(LIBRARY, "rados_conf_set");
  private static final MethodHandle CONNECT = function(LIBRARY, "rados_connect");
  private static final MethodHandle SHUTDOWN = function(LIBRARY, "rados_shutdown");
  private static final MethodHandle IOCTX_CREATE = function(LIBRARY, "rados_ioctx_create");
  private static final MethodHandle IOCTX_DESTROY = function(LIBRARY, "rados_ioctx_destroy");
  private static final MethodHandle SET_NAMESPACE = function(LIBRARY, "rados_ioctx_set_namespace");

  private static final MethodHandle INSTANCE_ID = function(LIBRARY, "rados_get_instance_id");
  private static final MethodHandle NOTIFY = longFunction(LIBRARY, "rados_notify2");
  private static final MethodHandle BUFFER_FREE = function(LIBRARY, "rados_buffer_free");

  private Librados() {}

  /** Stores the handle in {@code cluster}. */
  static int create(MemorySegment cluster, String user) {
    try (Arena arena = Arena.ofConfined()) {
      return callInt(CREATE, cluster.address(), arena.allocateFrom(user).address(), 0, 0);
    }
  }

  static int confReadFile(long cluster, String path) {
    try (Arena arena = Arena.ofConfined()) {
      return callInt(CONF_READ_FILE, cluster, arena.allocateFrom(path).address(), 0, 0);
    }
  }

  static int confSet(long cluster, String option, String value) {
    try (Arena arena = Arena.ofConfined()) {
      return callInt(
          CONF_SET,
          cluster,
          arena.allocateFrom(option).address(),
          arena.allocateFrom(value).address(),
          0);
    }
  }

  static int connect(long cluster) {
    return callInt(CONNECT, cluster, 0, 0, 0);
  }

  static void shutdown(long cluster) {
    call(SHUTDOWN, cluster, 0, 0, 0);
  }

  /** Stores the handle in {@code ioctx}. */
  static int ioctxCreate(long cluster, String pool, MemorySegment ioctx) {
    try (Arena arena = Arena.ofConfined()) {
      return callInt(IOCTX_CREATE, cluster, arena.allocateFrom(pool).address(), ioctx.address(), 0);
    }
  }

  static void ioctxDestroy(long ioctx) {
    call(IOCTX_DESTROY, ioctx, 0, 0, 0);
  }

  /** The id that the cluster has given to this client. */
  static long instanceId(long cluster) {
    return call(INSTANCE_ID, cluster, 0, 0, 0);
  }

  /**
   * Notifies all who watch an object, and waits until each has acknowledged or the time is over;
   * {@code -ETIMEDOUT} when one has not.
   *
   * @param millis of which the OSD takes whole seconds
   * @param reply the address of the answer, to be freed by {@link #bufferFree}, and its length
   */
  static int notify(long ioctx, String object, byte[] payload, long millis, MemorySegment reply) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment data = arena.allocateFrom(ValueLayout.JAVA_BYTE, payload);
      return (int)
          (long)
              NOTIFY.invokeExact(
                  ioctx,
                  arena.allocateFrom(object).address(),
                  data.address(),
                  (long) payload.length,
                  millis,
                  reply.address(),
                  reply.address() + Long.BYTES,
                  0L);
    } catch (Throwable t) {
      throw t instanceof Error error ? error : new AssertionError(t);
    }
  }

  static void bufferFree(long address) {
    call(BUFFER_FREE, address, 0, 0, 0);
  }

  static void ioctxSetNamespace(long ioctx, String namespace) {
    try (Arena arena = Arena.ofConfined()) {
      call(SET_NAMESPACE, ioctx, arena.allocateFrom(namespace).address(), 0, 0);
    }
  }
}
