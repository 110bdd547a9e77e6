// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.cache;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.zip.CRC32C;

/** What a wrong program could leave of a ring, for tests that must notice it. */
public final class RingDamage {
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

  private RingDamage() {}

  /** Where an entry is, and the segment that it is in. */
  private record Place(long segment, long at, long number, long sector, int bytes) {
    long next() {
      return at + Ring.ENTRY_HEADER + bytes;
    }

    boolean overlaps(Place other) {
      return sector < other.sector + other.bytes / 512 && other.sector < sector + bytes / 512;
    }
  }

  private static List<Place> live(MemorySegment memory, boolean also) {
    List<Place> places = new ArrayList<>();
    int segmentBytes = memory.get(ValueLayout.JAVA_INT, 12);
    if (segmentBytes == 0) {
      return places;
    }
    for (long segment = Ring.HEADER_BYTES;
        segment + segmentBytes <= memory.byteSize();
        segment += segmentBytes) {
      long number = memory.get(LONG, segment);
      long at = segment + Ring.SEGMENT_HEADER;
      while (number != 0
          && at + Ring.ENTRY_HEADER < segment + segmentBytes
          && memory.get(LONG, at) == number) {
        Place place =
            new Place(
                segment,
                at,
                number,
                memory.get(LONG, at + 24),
                memory.get(ValueLayout.JAVA_INT, at + 32));
        if (also || memory.get(LONG, at + 8) == Ring.ACKNOWLEDGED) {
          places.add(place);
        }
        at = place.next();
        number++;
      }
    }
    return places;
  }

  /** Leaves an acknowledged write in a ring's file of this boot, as a process does that dies. */
  public static void leave(Path file, String owner, long sector, ByteBuffer data)
      throws IOException {
    try (RingFile ring = RingFile.open(file, 2, BootId.current())) {
      RingPart part = ring.ring().part(owner);
      part.acknowledge(Objects.requireNonNull(part.append(sector, data)));
    }
  }

  /** Makes a ring's file, if it is there, one that another boot of the kernel has left. */
  public static void ageToAnotherBoot(Path file) throws IOException {
    if (!Files.exists(file)) {
      return;
    }
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      ByteBuffer header = ByteBuffer.allocate(Ring.HEADER_CRC + 4).order(ByteOrder.nativeOrder());
      channel.read(header, 0);
      header.putLong(16, ~header.getLong(16));
      CRC32C crc = new CRC32C();
      crc.update(header.duplicate().position(0).limit(Ring.HEADER_CRC));
      header.putInt(Ring.HEADER_CRC, (int) crc.getValue());
      channel.write(header.rewind(), 0);
    }
  }

  /** Loses an entry that was acknowledged and not done, if there is one. */
  public static void lose(MemorySegment memory) {
    List<Place> live = live(memory, false);
    if (!live.isEmpty()) {
      memory.set(LONG, live.getLast().at + 8, Ring.DONE);
    }
  }

  /** Of two entries of an owner that overlap, the earlier one gets a number behind all others. */
  public static void turnRound(MemorySegment memory, int segmentBytes, BootId boot) {
    List<Place> live = live(memory, false);
    long last = live(memory, true).stream().mapToLong(Place::number).max().orElse(0);
    for (Place first : live) {
      for (Place second : live) {
        byte[] owner = owner(memory, first);
        if (first.number < second.number
            && Arrays.equals(owner, owner(memory, second))
            && first.overlaps(second)) {
          Ring ring = Ring.open(memory, segmentBytes, boot);
          int segment = ring.take(owner, last + 1);
          if (segment >= 0) {
            ring.write(
                segment,
                Ring.SEGMENT_HEADER,
                last + 1,
                first.sector,
                memory.asSlice(first.at + Ring.ENTRY_HEADER, first.bytes).asByteBuffer());
            ring.acknowledge(segment, Ring.SEGMENT_HEADER);
            memory.set(LONG, first.at + 8, Ring.DONE);
            return;
          }
        }
      }
    }
  }

  private static byte[] owner(MemorySegment memory, Place place) {
    return memory
        .asSlice(place.segment + 16, memory.get(ValueLayout.JAVA_INT, place.segment + 12))
        .toArray(ValueLayout.JAVA_BYTE);
  }
}
