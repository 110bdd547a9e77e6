// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.rbd;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.anabranch.block.Io;

/**
 * A request and the memory that librbd uses for it.
 *
 * <p>A request that Ceph does not answer in time fails, and its creator has its buffer back, while
 * librbd may still fill what it was given. So a read has memory of its own, which is freed when
 * librbd has answered; a write's data are copied by librbd before {@link #issue} returns.
 *
 * <p>What librbd does with an overdue write when the cluster is back does no harm: it makes all
 * requests of one client to one object in their order, so that whoever reads later sees it, and
 * whoever writes later overwrites it.
 */
final class RbdRequest {
  /** Sectors of an object of the default size. */
  private static final int OBJECT_SECTORS = 8192;

  private final Io io;
  private final long id;
  private final long begin;

  /** Written before librbd has the request, freed when it is answered. 0: none. */
  private volatile long memory;

  /** Whether librbd has the request, and its creator's buffer is not used any more. */
  private volatile boolean isIssued;

  RbdRequest(Io io, long id, long begin) {
    this.io = io;
    this.id = id;
    this.begin = begin;
  }

  Io io() {
    return io;
  }

  long id() {
    return id;
  }

  /** When it was submitted, by the scheduler's clock. */
  long begin() {
    return begin;
  }

  /** Bytes of data. */
  long bytes() {
    return io.op() == Io.Op.READ || io.op() == Io.Op.WRITE ? io.sectors() << 9 : 0;
  }

  /** How many objects it concerns, about. */
  int objects() {
    return 1 + (int) (io.sectors() / OBJECT_SECTORS);
  }

  /** Whether it can fail while librbd has it. */
  boolean isIssued() {
    return isIssued;
  }

  /** Passes it to librbd. Returns a negated error number when librbd does not take it. */
  int issue(long image) {
    int result = pass(image);
    isIssued = true;
    return result;
  }

  private int pass(long image) {
    long completion;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment into = arena.allocate(ValueLayout.JAVA_LONG);
      int result = Librbd.aioCreateCompletion(id, into);
      if (result < 0) {
        return result;
      }
      completion = into.get(ValueLayout.JAVA_LONG, 0);
    }
    long offset = io.sector() << 9;
    int result =
        switch (io.op()) {
          case READ -> {
            memory = Libc.malloc(bytes());
            yield Librbd.aioRead(image, offset, bytes(), memory, completion);
          }
          case WRITE -> write(image, offset, completion);
          case FLUSH -> Librbd.aioFlush(image, completion);
          case DISCARD, WRITE_ZEROES ->
              Librbd.aioWriteZeroes(image, offset, io.sectors() << 9, completion);
          case BLOCK_STATUS -> throw new IllegalArgumentException(io.toString());
        };
    if (result < 0) {
      Librbd.aioRelease(completion);
    }
    return result;
  }

  private int write(long image, long offset, long completion) {
    ByteBuffer data = io.data();
    if (data.isDirect()) {
      try {
        long address = MemorySegment.ofBuffer(data).address();
        return Librbd.aioWrite(image, offset, bytes(), address, completion);
      } finally {
        Reference.reachabilityFence(data);
      }
    }
    long copy = Libc.malloc(bytes());
    try {
      Libc.memory(copy, bytes()).copyFrom(MemorySegment.ofBuffer(data));
      return Librbd.aioWrite(image, offset, bytes(), copy, completion);
    } finally {
      Libc.free(copy);
    }
  }

  /** Copies what was read to where it belongs. The request must not be overdue. */
  void fill() {
    if (io.op() == Io.Op.READ) {
      MemorySegment.ofBuffer(io.data()).copyFrom(Libc.memory(memory, bytes()));
    }
  }

  /** librbd does not use the memory any more. */
  void release() {
    Libc.free(memory);
    memory = 0;
  }
}
