// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.cache;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Acknowledged writes in memory that outlives the process, such as a mapped file.
 *
 * <pre>
 *   0     header    u64 magic | u32 version | u32 bytes of a segment | u64, u64 boot id | u64 bytes in all | u32 CRC
 *   4096  segment 0, segment 1, ...
 *
 *   segment   u64 number of its first entry, 0: free | u32 CRC | u32 bytes of the owner's name | name, up to 240 bytes
 *   256       entry, entry, ...
 *
 *   entry     u64 number, written last | u64 state | u64 number | u64 sector | u32 bytes | u32 CRC | zeros
 *   64        data, up to the next multiple of 64
 * </pre>
 *
 * <p>A segment belongs to one device at a time, its owner. The entries of an owner are numbered,
 * and those of a segment one after the other, so a scan knows which number must come next. An entry
 * is there when its first word, written last and with release, is that number. The word of the
 * place behind it is cleared before: what lies there may be data of any initiator. A segment whose
 * entries are all done is free, and the next one that anybody needs.
 *
 * <p>A process that dies, whenever that is, leaves an entry there or not there. The CRCs tell of
 * memory that was damaged from outside; a damaged entry ends the scan of its segment.
 *
 * <p>The state of an entry is 0 while its sender waits, 1 from just before its acknowledgement on,
 * and 2 when the device has it. Only what was acknowledged is left for the next process: of other
 * writes nobody was promised anything, and the device might refuse them.
 *
 * <p>Any thread. An owner's part is used under a lock of the owner's.
 */
public final class Ring {
  /** The default length of a segment, bytes. */
  public static final int SEGMENT_BYTES = 1 << 20;

  static final int HEADER_BYTES = 4096;
  static final int SEGMENT_HEADER = 256;
  static final int ENTRY_HEADER = 64;
  static final int MAX_NAME = 240;

  private static final long MAGIC = 0x676E_6952_6E61_6241L; // "AbanRing"
  private static final int VERSION = 1;
  static final int HEADER_CRC = 40;

  // States of an entry. One that was only written has 0.
  static final long ACKNOWLEDGED = 1;
  static final long DONE = 2;

  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final VarHandle WORD = LONG.varHandle();

  /** A write that was acknowledged and not done. */
  record Leftover(long number, long sector, ByteBuffer data) {
    long end() {
      return sector + data.remaining() / 512;
    }
  }

  /** The segments of an owner that a process left behind. */
  private static final class Left {
    final List<Integer> segments = new ArrayList<>();
    final List<Leftover> entries = new ArrayList<>();
    boolean damaged;
  }

  private final MemorySegment memory;
  private final int segmentBytes;
  private final @Nullable String discarded;
  private final long firstNumber;

  /** The segments that nobody uses; the one that was freed last comes first. */
  @GuardedBy("this")
  private final ArrayDeque<Integer> free = new ArrayDeque<>();

  @GuardedBy("this")
  private final Map<String, Left> left = new TreeMap<>();

  private Ring(
      MemorySegment memory, int segmentBytes, @Nullable String discarded, Map<String, Left> left) {
    this.memory = memory;
    this.segmentBytes = segmentBytes;
    this.discarded = discarded;
    this.left.putAll(left);
    long last = 0;
    for (Left each : left.values()) {
      for (int segment : each.segments) {
        last = Math.max(last, memory.get(LONG, begin(segment)) + segmentBytes);
      }
    }
    this.firstNumber = last + 1;
    for (int segment = segments() - 1; segment >= 0; segment--) {
      if (memory.get(LONG, begin(segment)) == 0) {
        free.push(segment);
      }
    }
  }

  /** The bytes that a ring of {@code segments} segments takes. */
  public static long bytes(int segments, int segmentBytes) {
    return HEADER_BYTES + (long) segments * segmentBytes;
  }

  /**
   * Opens the ring in {@code memory}. What a process has left there is kept if it was in this boot,
   * and else discarded.
   *
   * @param memory aligned to 64 bytes, of {@link #bytes} bytes with at least one segment
   * @param segmentBytes a multiple of 64; that of a ring that is kept wins
   */
  public static Ring open(MemorySegment memory, int segmentBytes, BootId boot) {
    if (memory.byteSize() < bytes(1, segmentBytes) || segmentBytes % 64 != 0) {
      throw new IllegalArgumentException(memory.byteSize() + " bytes for " + segmentBytes);
    }
    String reason = reasonToDiscard(memory, boot);
    if (reason == null) {
      int found = memory.get(INT, 12);
      return new Ring(memory, found, null, scan(memory, found));
    }
    initialize(memory, segmentBytes, boot);
    return new Ring(memory, segmentBytes, reason.isEmpty() ? null : reason, Map.of());
  }

  /** Why what is there is not valid; "" if nothing is there; null if it is valid. */
  private static @Nullable String reasonToDiscard(MemorySegment memory, BootId boot) {
    if (memory.get(LONG, 0) == 0 && memory.get(LONG, 16) == 0) {
      return "";
    }
    int segmentBytes = memory.get(INT, 12);
    if (memory.get(LONG, 0) != MAGIC
        || memory.get(INT, HEADER_CRC) != crc(memory, 0, HEADER_CRC)
        || memory.get(LONG, 32) != memory.byteSize()
        || segmentBytes < SEGMENT_HEADER + ENTRY_HEADER
        || segmentBytes % 64 != 0) {
      return "its header is damaged";
    } else if (memory.get(INT, 8) != VERSION) {
      return "it is of version " + memory.get(INT, 8);
    } else if (!new UUID(memory.get(LONG, 16), memory.get(LONG, 24)).equals(boot.id())) {
      return "it is of another boot of the kernel";
    }
    return null;
  }

  private static void initialize(MemorySegment memory, int segmentBytes, BootId boot) {
    memory.set(LONG, 0, 0); // no ring until all is written
    memory.set(LONG, 16, 1);
    VarHandle.releaseFence();
    for (long at = HEADER_BYTES; at + segmentBytes <= memory.byteSize(); at += segmentBytes) {
      memory.set(LONG, at, 0);
    }
    memory.set(INT, 8, VERSION);
    memory.set(INT, 12, segmentBytes);
    memory.set(LONG, 16, boot.id().getMostSignificantBits());
    memory.set(LONG, 24, boot.id().getLeastSignificantBits());
    memory.set(LONG, 32, memory.byteSize());
    ByteBuffer header = memory.asSlice(0, HEADER_CRC).asByteBuffer();
    ByteBuffer copy = ByteBuffer.allocate(HEADER_CRC).order(java.nio.ByteOrder.nativeOrder());
    copy.put(header.duplicate()).putLong(0, MAGIC).rewind();
    CRC32C crc = new CRC32C();
    crc.update(copy);
    memory.set(INT, HEADER_CRC, (int) crc.getValue());
    WORD.setRelease(memory, 0L, MAGIC);
  }

  private static Map<String, Left> scan(MemorySegment memory, int segmentBytes) {
    Map<String, Left> left = new TreeMap<>();
    for (long at = HEADER_BYTES; at + segmentBytes <= memory.byteSize(); at += segmentBytes) {
      long first = (long) WORD.getAcquire(memory, at);
      if (first != 0) {
        String owner = owner(memory, at);
        Left its = left.computeIfAbsent(owner == null ? "" : owner, name -> new Left());
        its.segments.add((int) ((at - HEADER_BYTES) / segmentBytes));
        its.damaged |= owner == null || !scan(memory, at, segmentBytes, first, its.entries);
      }
    }
    left.values().forEach(its -> its.entries.sort(Comparator.comparingLong(Leftover::number)));
    return left;
  }

  /** The owner of a segment; null if its header is damaged. */
  private static @Nullable String owner(MemorySegment memory, long at) {
    int length = memory.get(INT, at + 12);
    if (length < 1 || length > MAX_NAME || memory.get(INT, at + 8) != segmentCrc(memory, at)) {
      return null;
    }
    byte[] name = memory.asSlice(at + 16, length).toArray(ValueLayout.JAVA_BYTE);
    return new String(name, StandardCharsets.UTF_8);
  }

  /** Adds the entries of a segment that are not done; false if one of them is damaged. */
  private static boolean scan(
      MemorySegment memory, long segment, int segmentBytes, long first, List<Leftover> entries) {
    long end = segment + segmentBytes;
    long number = first;
    for (long at = segment + SEGMENT_HEADER; at + ENTRY_HEADER < end; number++) {
      if ((long) WORD.getAcquire(memory, at) != number) {
        return true;
      }
      long bytes = memory.get(INT, at + 32);
      long sector = memory.get(LONG, at + 24);
      if (bytes <= 0
          || bytes % 512 != 0
          || at + ENTRY_HEADER + bytes > end
          || sector < 0
          || memory.get(LONG, at + 16) != number
          || memory.get(INT, at + 36) != entryCrc(memory, at, (int) bytes)) {
        return false;
      }
      if (memory.get(LONG, at + 8) == ACKNOWLEDGED) {
        entries.add(
            new Leftover(number, sector, memory.asSlice(at + ENTRY_HEADER, bytes).asByteBuffer()));
      }
      at += ENTRY_HEADER + bytes; // whole sectors, so the next one is aligned
    }
    return true;
  }

  private static int crc(MemorySegment memory, long at, long bytes) {
    CRC32C crc = new CRC32C();
    crc.update(memory.asSlice(at, bytes).asByteBuffer());
    return (int) crc.getValue();
  }

  private static int segmentCrc(MemorySegment memory, long at) {
    return crc(memory, at + 12, SEGMENT_HEADER - 12);
  }

  private static int entryCrc(MemorySegment memory, long at, int bytes) {
    CRC32C crc = new CRC32C();
    crc.update(memory.asSlice(at + 16, 20).asByteBuffer());
    crc.update(memory.asSlice(at + ENTRY_HEADER, bytes).asByteBuffer());
    return (int) crc.getValue();
  }

  private int segments() {
    return (int) ((memory.byteSize() - HEADER_BYTES) / segmentBytes);
  }

  private long begin(int segment) {
    return HEADER_BYTES + (long) segment * segmentBytes;
  }

  /** Why what was there was discarded, in words that follow "because"; null if it was not. */
  public @Nullable String discarded() {
    return discarded;
  }

  /** The owners of what a process left behind and nobody has replayed yet. */
  public synchronized List<String> owners() {
    return List.copyOf(left.keySet());
  }

  /** How many writes of an owner were left behind. */
  public int leftovers(String owner) {
    return left(owner).size();
  }

  /** Whether something of an owner was damaged from outside. */
  public synchronized boolean damaged(String owner) {
    Left its = left.get(owner);
    return its != null && its.damaged;
  }

  /** The writes of an owner that were left behind, in their order. */
  synchronized List<Leftover> left(String owner) {
    Left its = left.get(owner);
    return its == null ? List.of() : List.copyOf(its.entries);
  }

  /** Frees what was left behind of an owner: it was replayed, or its device is no more. */
  public synchronized void forget(String owner) {
    Left its = left.remove(owner);
    if (its != null) {
      its.segments.forEach(this::freeSegment);
    }
  }

  /**
   * The part of an owner; it has one at a time.
   *
   * @param owner at most {@link #MAX_NAME} bytes in UTF-8
   */
  RingPart part(String owner) {
    byte[] name = owner.getBytes(StandardCharsets.UTF_8);
    if (name.length < 1 || name.length > MAX_NAME) {
      throw new IllegalArgumentException(owner);
    }
    return new RingPart(this, name, firstNumber);
  }

  /** The most bytes that one entry can hold. */
  int mostBytes() {
    return (segmentBytes - SEGMENT_HEADER - ENTRY_HEADER) / 512 * 512;
  }

  int segmentBytes() {
    return segmentBytes;
  }

  /** Gives a free segment to an owner, for entries from {@code first} on; -1 if there is none. */
  synchronized int take(byte[] owner, long first) {
    Integer segment = free.poll();
    if (segment == null) {
      return -1;
    }
    long at = begin(segment);
    memory.set(INT, at + 12, owner.length);
    memory.asSlice(at + 16, SEGMENT_HEADER - 16).fill((byte) 0);
    MemorySegment.copy(owner, 0, memory, ValueLayout.JAVA_BYTE, at + 16, owner.length);
    memory.set(INT, at + 8, segmentCrc(memory, at));
    memory.set(LONG, at + SEGMENT_HEADER, 0); // no entry
    WORD.setRelease(memory, at, first);
    return segment;
  }

  /** All entries of a segment are done. */
  synchronized void freeSegment(int segment) {
    WORD.setRelease(memory, begin(segment), 0L);
    free.push(segment);
  }

  /** Whether nothing is in it that was not done. */
  public synchronized boolean isEmpty() {
    return free.size() == segments();
  }

  /** Segments that nobody uses. */
  synchronized int freeSegments() {
    return free.size();
  }

  /** Writes an entry; returns the copy of the data. */
  ByteBuffer write(int segment, long offset, long number, long sector, ByteBuffer data) {
    int bytes = data.remaining();
    long at = begin(segment) + offset;
    MemorySegment copy = memory.asSlice(at + ENTRY_HEADER, bytes);
    copy.copyFrom(MemorySegment.ofBuffer(data));
    memory.set(LONG, at + 8, 0);
    memory.set(LONG, at + 16, number);
    memory.set(LONG, at + 24, sector);
    memory.set(INT, at + 32, bytes);
    memory.set(INT, at + 36, entryCrc(memory, at, bytes));
    long next = offset + ENTRY_HEADER + bytes;
    if (next + ENTRY_HEADER < segmentBytes) {
      memory.set(LONG, begin(segment) + next, 0);
    }
    WORD.setRelease(memory, at, number);
    return copy.asByteBuffer();
  }

  /** The write of an entry is about to be acknowledged. */
  void acknowledge(int segment, long offset) {
    WORD.setRelease(memory, begin(segment) + offset + 8, ACKNOWLEDGED);
  }

  /** The write of an entry has ended below. */
  void done(int segment, long offset) {
    WORD.setRelease(memory, begin(segment) + offset + 8, DONE);
  }
}
