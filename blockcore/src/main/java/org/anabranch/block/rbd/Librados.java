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
  private static final MethodHandle CREATE_WRITE = function(LIBRARY, "rados_create_write_op");
  private static final MethodHandle RELEASE_WRITE = function(LIBRARY, "rados_release_write_op");
  private static final MethodHandle OMAP_CMP = function(LIBRARY, "rados_write_op_omap_cmp");
  private static final MethodHandle OMAP_SET = function(LIBRARY, "rados_write_op_omap_set");
  private static final MethodHandle WRITE_OPERATE = function(LIBRARY, "rados_write_op_operate");

  /** The comparison "equal" of {@code rados_write_op_omap_cmp}. */
  private static final long CMPXATTR_OP_EQ = 1;

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

  /**
   * Changes a value of an object's map if it is as expected, in one step; {@code -ECANCELED} if it
   * is not. An absent value counts as an empty one.
   */
  static int exchange(long ioctx, String object, String key, byte[] expected, byte[] value) {
    long operation = call(CREATE_WRITE, 0, 0, 0, 0);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocateFrom(key);
      MemorySegment before = arena.allocateFrom(ValueLayout.JAVA_BYTE, expected);
      MemorySegment after = arena.allocateFrom(ValueLayout.JAVA_BYTE, value);
      MemorySegment compared = arena.allocateFrom(ValueLayout.JAVA_INT, 0);
      CephLibraries.call(
          OMAP_CMP,
          operation,
          name.address(),
          CMPXATTR_OP_EQ,
          before.address(),
          expected.length,
          compared.address());
      CephLibraries.call(
          OMAP_SET,
          operation,
          arena.allocateFrom(ValueLayout.JAVA_LONG, name.address()).address(),
          arena.allocateFrom(ValueLayout.JAVA_LONG, after.address()).address(),
          arena.allocateFrom(ValueLayout.JAVA_LONG, value.length).address(),
          1,
          0);
      return (int)
          CephLibraries.call(
              WRITE_OPERATE, operation, ioctx, arena.allocateFrom(object).address(), 0, 0, 0);
    } finally {
      call(RELEASE_WRITE, operation, 0, 0, 0);
    }
  }

  static void ioctxSetNamespace(long ioctx, String namespace) {
    try (Arena arena = Arena.ofConfined()) {
      call(SET_NAMESPACE, ioctx, arena.allocateFrom(namespace).address(), 0, 0);
    }
  }
}
