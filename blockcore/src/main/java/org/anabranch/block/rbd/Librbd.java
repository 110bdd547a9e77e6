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
 * Functions of librbd, with its words. A handle is an address; a failure is a negated error number.
 * Those named {@code aio} return at once, and {@link #pollIoEvents} has their ends; all others may
 * wait for the cluster, for ever. {@link CephLibraries#load} comes first.
 */
final class Librbd {
  private static final int EVENT_TYPE_EVENTFD = 2;
  private static final int LOCK_MODE_EXCLUSIVE = 0;
  private static final int MOST_OWNERS = 8;

  private static final SymbolLookup LIBRARY = CephLibraries.library("librbd.so.1");
  private static final MethodHandle CREATE = function(LIBRARY, "rbd_create2");
  private static final MethodHandle REMOVE = function(LIBRARY, "rbd_remove");
  private static final MethodHandle OPEN = function(LIBRARY, "rbd_open");
  private static final MethodHandle OPEN_READ_ONLY = function(LIBRARY, "rbd_open_read_only");
  private static final MethodHandle CLOSE = function(LIBRARY, "rbd_close");
  private static final MethodHandle GET_SIZE = function(LIBRARY, "rbd_get_size");
  private static final MethodHandle GET_FEATURES = function(LIBRARY, "rbd_get_features");
  private static final MethodHandle GET_ID = function(LIBRARY, "rbd_get_id");
  private static final MethodHandle RESIZE = function(LIBRARY, "rbd_resize");
  private static final MethodHandle FLUSH = function(LIBRARY, "rbd_flush");
  private static final MethodHandle LOCK_ACQUIRE = function(LIBRARY, "rbd_lock_acquire");
  private static final MethodHandle LOCK_BREAK = function(LIBRARY, "rbd_lock_break");
  private static final MethodHandle LOCK_GET_OWNERS = function(LIBRARY, "rbd_lock_get_owners");
  private static final MethodHandle LOCK_CLEANUP = function(LIBRARY, "rbd_lock_get_owners_cleanup");
  private static final MethodHandle WATCHERS_LIST = function(LIBRARY, "rbd_watchers_list");
  private static final MethodHandle WATCHERS_CLEANUP =
      function(LIBRARY, "rbd_watchers_list_cleanup");
  private static final MethodHandle METADATA_GET = function(LIBRARY, "rbd_metadata_get");
  private static final MethodHandle METADATA_SET = function(LIBRARY, "rbd_metadata_set");
  private static final MethodHandle SET_NOTIFICATION =
      function(LIBRARY, "rbd_set_image_notification");
  private static final MethodHandle POLL_IO_EVENTS = function(LIBRARY, "rbd_poll_io_events");
  private static final MethodHandle DIFF_ITERATE = longFunction(LIBRARY, "rbd_diff_iterate2");

  private static final MethodHandle CREATE_COMPLETION =
      function(LIBRARY, "rbd_aio_create_completion");
  private static final MethodHandle GET_ARG = function(LIBRARY, "rbd_aio_get_arg");
  private static final MethodHandle GET_RETURN = function(LIBRARY, "rbd_aio_get_return_value");
  private static final MethodHandle RELEASE = function(LIBRARY, "rbd_aio_release");
  private static final MethodHandle AIO_READ = function(LIBRARY, "rbd_aio_read");
  private static final MethodHandle AIO_WRITE = function(LIBRARY, "rbd_aio_write");
  private static final MethodHandle AIO_ZEROES = function(LIBRARY, "rbd_aio_write_zeroes");
  private static final MethodHandle AIO_FLUSH = function(LIBRARY, "rbd_aio_flush");

  private Librbd() {}

  /** Makes an image with objects of the default size. */
  static int create(long ioctx, String name, long bytes, long features) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment order = arena.allocateFrom(ValueLayout.JAVA_INT, 0);
      return (int)
          call(
              CREATE,
              ioctx,
              arena.allocateFrom(name).address(),
              bytes,
              features,
              order.address(),
              0);
    }
  }

  static int remove(long ioctx, String name) {
    try (Arena arena = Arena.ofConfined()) {
      return callInt(REMOVE, ioctx, arena.allocateFrom(name).address(), 0, 0);
    }
  }

  /** Stores the handle in {@code image}. */
  static int open(long ioctx, String name, boolean readOnly, MemorySegment image) {
    try (Arena arena = Arena.ofConfined()) {
      return callInt(
          readOnly ? OPEN_READ_ONLY : OPEN,
          ioctx,
          arena.allocateFrom(name).address(),
          image.address(),
          0);
    }
  }

  static int close(long image) {
    return callInt(CLOSE, image, 0, 0, 0);
  }

  /** The image's length, bytes. */
  static long getSize(long image) {
    return number(GET_SIZE, image);
  }

  static long getFeatures(long image) {
    return number(GET_FEATURES, image);
  }

  private static long number(MethodHandle function, long image) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment into = arena.allocateFrom(ValueLayout.JAVA_LONG, 0);
      int result = callInt(function, image, into.address(), 0, 0);
      return result < 0 ? result : into.get(ValueLayout.JAVA_LONG, 0);
    }
  }

  /** The identity that an image keeps when it is renamed, as text in {@code into}. */
  static int getId(long image, MemorySegment into) {
    return callInt(GET_ID, image, into.address(), into.byteSize(), 0);
  }

  /** Makes it longer or shorter. */
  static int resize(long image, long bytes) {
    return callInt(RESIZE, image, bytes, 0, 0);
  }

  static int flush(long image) {
    return callInt(FLUSH, image, 0, 0, 0);
  }

  /** Takes the exclusive lock, and keeps it from others who ask for it. */
  static int lockAcquire(long image) {
    return callInt(LOCK_ACQUIRE, image, LOCK_MODE_EXCLUSIVE, 0, 0);
  }

  /** The address of who has the exclusive lock; empty if nobody has. */
  static String lockOwner(long image) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment mode = arena.allocateFrom(ValueLayout.JAVA_INT, 0);
      MemorySegment owners = arena.allocate(ValueLayout.JAVA_LONG, MOST_OWNERS);
      MemorySegment count = arena.allocateFrom(ValueLayout.JAVA_LONG, MOST_OWNERS);
      int result =
          callInt(LOCK_GET_OWNERS, image, mode.address(), owners.address(), count.address());
      if (result < 0 || count.get(ValueLayout.JAVA_LONG, 0) < 1) {
        return "";
      }
      String owner = Libc.text(owners.getAtIndex(ValueLayout.JAVA_LONG, 0));
      call(LOCK_CLEANUP, owners.address(), count.get(ValueLayout.JAVA_LONG, 0), 0, 0);
      return owner;
    }
  }

  /** Takes the lock from its owner, and has him shut out by the cluster first. */
  static int lockBreak(long image, String owner) {
    try (Arena arena = Arena.ofConfined()) {
      return callInt(
          LOCK_BREAK, image, LOCK_MODE_EXCLUSIVE, arena.allocateFrom(owner).address(), 0);
    }
  }

  /**
   * Stores who watches the image, and in {@code count}, which has the most that there is room for,
   * how many they are.
   */
  static int watchersList(long image, MemorySegment watchers, MemorySegment count) {
    return callInt(WATCHERS_LIST, image, watchers.address(), count.address(), 0);
  }

  static void watchersCleanup(MemorySegment watchers, long count) {
    call(WATCHERS_CLEANUP, watchers.address(), count, 0, 0);
  }

  /** Stores a text in {@code value}, and in {@code length} how many bytes it has or needs. */
  static int metadataGet(long image, String key, MemorySegment value, MemorySegment length) {
    try (Arena arena = Arena.ofConfined()) {
      return callInt(
          METADATA_GET,
          image,
          arena.allocateFrom(key).address(),
          value.address(),
          length.address());
    }
  }

  static int metadataSet(long image, String key, String value) {
    try (Arena arena = Arena.ofConfined()) {
      return callInt(
          METADATA_SET,
          image,
          arena.allocateFrom(key).address(),
          arena.allocateFrom(value).address(),
          0);
    }
  }

  /** From now on ends of requests are signalled there. To be called once for an image. */
  static int setImageNotification(long image, int eventfd) {
    return callInt(SET_NOTIFICATION, image, eventfd, EVENT_TYPE_EVENTFD, 0);
  }

  /** Stores completions that have ended in {@code completions}; returns how many. */
  static int pollIoEvents(long image, MemorySegment completions, int most) {
    return callInt(POLL_IO_EVENTS, image, completions.address(), most, 0);
  }

  /** Calls {@code callback} for each object that may have data, before it returns. */
  static int diffIterate(long image, long offset, long length, MemorySegment callback) {
    try {
      return (int)
          (long)
              DIFF_ITERATE.invokeExact(image, 0L, offset, length, 1L, 1L, callback.address(), 0L);
    } catch (Throwable t) {
      throw t instanceof Error error ? error : new AssertionError(t);
    }
  }

  /** Stores a new completion, with this argument, in {@code completion}. */
  static int aioCreateCompletion(long argument, MemorySegment completion) {
    return callInt(CREATE_COMPLETION, argument, 0, completion.address(), 0);
  }

  static long aioGetArg(long completion) {
    return call(GET_ARG, completion, 0, 0, 0);
  }

  static long aioGetReturnValue(long completion) {
    return call(GET_RETURN, completion, 0, 0, 0);
  }

  static void aioRelease(long completion) {
    call(RELEASE, completion, 0, 0, 0);
  }

  /** Fills memory, which librbd uses until the completion ends. */
  static int aioRead(long image, long offset, long bytes, long memory, long completion) {
    return (int) call(AIO_READ, image, offset, bytes, memory, completion, 0);
  }

  /** Writes from memory, which librbd has copied when this returns: see {@link RbdCluster}. */
  static int aioWrite(long image, long offset, long bytes, long memory, long completion) {
    return (int) call(AIO_WRITE, image, offset, bytes, memory, completion, 0);
  }

  /** Lets a range read as zeros and frees the storage of whole objects and parts of them. */
  static int aioWriteZeroes(long image, long offset, long bytes, long completion) {
    return (int) call(AIO_ZEROES, image, offset, bytes, completion, 0, 0);
  }

  static int aioFlush(long image, long completion) {
    return callInt(AIO_FLUSH, image, completion, 0, 0);
  }
}
