// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.anabranch.block.testing.TestDevice;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a ring holds after its process has died, whenever that was and whatever happened since. */
final class RingTest {
  private static final int SEGMENT = 8192;
  private static final long FIRST_ENTRY = Ring.HEADER_BYTES + Ring.SEGMENT_HEADER;
  private static final BootId BOOT = new BootId(new UUID(1, 2));

  private final MemorySegment memory = Arena.ofAuto().allocate(Ring.bytes(3, SEGMENT), 64);

  private Ring open() {
    return Ring.open(memory, SEGMENT, BOOT);
  }

  private static RingEntry append(RingPart part, char tag, long sector, int sectors) {
    RingEntry entry = Objects.requireNonNull(part.append(sector, data(tag, sector, sectors)));
    part.acknowledge(entry);
    return entry;
  }

  private static ByteBuffer data(char tag, long sector, int sectors) {
    ByteBuffer data = ByteBuffer.allocateDirect(sectors * 512);
    for (int i = 0; i < sectors; i++) {
      data.put(TestDevice.pattern(tag, sector + i));
    }
    return data.flip();
  }

  /** The entries of an owner that a next process finds, such as {@code a8+2}. */
  private static List<String> found(Ring ring, String owner) {
    List<String> found = new ArrayList<>();
    for (Ring.Leftover entry : ring.left(owner)) {
      char tag = (char) entry.data().get(0);
      long sectors = entry.end() - entry.sector();
      assertThat(entry.data()).isEqualTo(data(tag, entry.sector(), (int) sectors));
      found.add(tag + "" + entry.sector() + "+" + sectors);
    }
    return found;
  }

  @Test
  void whatIsNotDoneIsFoundInItsOrder() {
    RingPart part = open().part("disk");
    append(part, 'a', 8, 2);
    RingEntry done = append(part, 'b', 100, 4);
    append(part, 'c', 8, 1);
    part.done(done);
    assertThat(found(open(), "disk")).containsExactly("a8+2", "c8+1");
  }

  /** The process died before it answered: nobody was promised anything. */
  @Test
  void whatWasNotAcknowledgedIsNotFound() {
    RingPart part = open().part("disk");
    assertThat(part.append(8, data('a', 8, 2))).isNotNull();
    append(part, 'b', 9, 1);
    assertThat(found(open(), "disk")).containsExactly("b9+1");
  }

  @Test
  void whatIsReplayedIsForgotten() {
    append(open().part("disk"), 'a', 8, 2);
    Ring next = open();
    assertThat(next.owners()).containsExactly("disk");
    assertThat(next.freeSegments()).isEqualTo(2);
    next.forget("disk");
    assertThat(next.freeSegments()).isEqualTo(3);
    assertThat(open().owners()).isEmpty();
  }

  @Test
  void eachDeviceFindsItsOwn() {
    Ring ring = open();
    append(ring.part("disk"), 'a', 8, 2);
    append(ring.part("other"), 'b', 9, 1);
    Ring next = open();
    assertThat(next.owners()).containsExactly("disk", "other");
    assertThat(found(next, "disk")).containsExactly("a8+2");
    assertThat(found(next, "nobody")).isEmpty();
    next.forget("disk");
    assertThat(found(next, "other")).containsExactly("b9+1");
    assertThat(found(open(), "other")).containsExactly("b9+1");
  }

  @Test
  void orderHoldsAcrossSegments() {
    RingPart part = open().part("disk");
    List<String> expected = new ArrayList<>();
    for (int i = 0; i < 15; i++) {
      append(part, (char) ('a' + i), i % 3, 2);
      expected.add((char) ('a' + i) + "" + i % 3 + "+2");
    }
    assertThat(found(open(), "disk")).isEqualTo(expected);
  }

  @Test
  void fullRingTakesNothingUntilASegmentIsDone() {
    Ring ring = open();
    RingPart part = ring.part("disk");
    RingPart other = ring.part("other");
    List<RingEntry> entries = new ArrayList<>();
    for (RingEntry entry; (entry = part.append(0, data('x', 0, 7))) != null; ) {
      part.acknowledge(entry);
      entries.add(entry);
    }
    assertThat(entries).hasSize(6); // two in each segment
    assertThat(other.append(0, data('y', 0, 1))).isNull();
    part.done(entries.get(0));
    assertThat(other.append(0, data('y', 0, 1))).isNull();
    part.done(entries.get(1));
    append(other, 'y', 0, 1);
    assertThat(found(open(), "disk")).hasSize(4);
    assertThat(found(open(), "other")).containsExactly("y0+1");
  }

  @Test
  void idleOwnersUseNothing() {
    Ring ring = open();
    RingPart part = ring.part("disk");
    for (int i = 0; i < 100; i++) {
      part.done(append(part, 'a', i, 3));
      assertThat(ring.freeSegments()).isEqualTo(3);
    }
    append(part, 'b', 5, 1);
    assertThat(found(open(), "disk")).containsExactly("b5+1");
  }

  /** Everything of an entry is there but its first word: the process died before the commit. */
  @Test
  void tornEntryIsNotThere() {
    RingPart part = open().part("disk");
    append(part, 'a', 8, 1);
    RingEntry torn = append(part, 'b', 9, 1);
    memory.set(ValueLayout.JAVA_LONG, Ring.HEADER_BYTES + torn.offset(), 0);
    assertThat(found(open(), "disk")).containsExactly("a8+1");
    assertThat(open().damaged("disk")).isFalse();
  }

  /** What lies behind the last entry may be anything, also an entry that an initiator has made. */
  @Test
  void dataIsNoEntry() {
    RingPart part = open().part("disk");
    RingEntry first = append(part, 'a', 8, 1);
    RingEntry second = append(part, 'b', 9, 3);
    // A forged entry in the data of the second, exactly where the second one of the next round is.
    long place = Ring.HEADER_BYTES + first.offset() + 2L * (Ring.ENTRY_HEADER + 512);
    long begin = place - Ring.HEADER_BYTES - second.offset() - Ring.ENTRY_HEADER;
    assertThat(begin).isBetween(0L, 1024L);
    part.done(first);
    part.done(second);
    for (long number = 0; number < 100; number++) {
      RingPart again = open().part("disk");
      RingEntry one = append(again, 'c', 1, 1);
      memory.set(ValueLayout.JAVA_LONG, place, number);
      append(again, 'd', 2, 1); // clears the place behind it
      assertThat(found(open(), "disk")).containsExactly("c1+1", "d2+1");
      assertThat(open().damaged("disk")).isFalse();
      assertThat(one.offset()).isEqualTo(first.offset());
      open().forget("disk");
    }
  }

  @Test
  void anotherBootDiscards() {
    append(open().part("disk"), 'a', 8, 2);
    Ring next = Ring.open(memory, SEGMENT, new BootId(new UUID(1, 3)));
    assertThat(next.owners()).isEmpty();
    assertThat(next.freeSegments()).isEqualTo(3);
    assertThat(next.discarded()).isEqualTo("it is of another boot of the kernel");
    assertThat(open().discarded()).isEqualTo("it is of another boot of the kernel");
    assertThat(open().discarded()).isNull();
  }

  @Test
  void damagedHeaderDiscards() {
    for (int at = 0; at < 44; at++) {
      append(open().part("disk"), 'a', 8, 2);
      flip(at);
      Ring next = open();
      assertThat(next.owners()).as("byte %d", at).isEmpty();
      assertThat(next.discarded()).as("byte %d", at).isEqualTo("its header is damaged");
    }
  }

  @Test
  void damagedEntryIsReportedAndNotReplayed() {
    for (long at : new long[] {16, 24, 32, 36, 64, 64 + 511}) {
      RingPart part = open().part("disk");
      append(part, 'a', 8, 1);
      RingEntry entry = append(part, 'b', 9, 1);
      append(part, 'c', 10, 1);
      flip(Ring.HEADER_BYTES + entry.offset() + at);
      Ring next = open();
      assertThat(found(next, "disk")).as("byte %d", at).containsExactly("a8+1");
      assertThat(next.damaged("disk")).isTrue();
      next.forget("disk");
    }
  }

  @Test
  void damagedSegmentBelongsToNobody() {
    append(open().part("disk"), 'a', 8, 1);
    flip(Ring.HEADER_BYTES + 17); // its owner's name
    Ring next = open();
    assertThat(next.owners()).containsExactly("");
    assertThat(next.damaged("")).isTrue();
    assertThat(found(next, "disk")).isEmpty();
  }

  private void flip(long at) {
    byte is = memory.get(ValueLayout.JAVA_BYTE, at);
    memory.set(ValueLayout.JAVA_BYTE, at, (byte) (is ^ 0x40));
  }

  @Test
  void firstEntryIsWhereTheFormatSays() {
    append(open().part("disk"), 'a', 8, 1);
    assertThat(memory.get(ValueLayout.JAVA_LONG, FIRST_ENTRY)).isEqualTo(1);
  }

  @Test
  void fileKeepsWhatAProcessLeft(@TempDir Path folder) throws IOException {
    Path path = folder.resolve("ring");
    try (RingFile file = RingFile.open(path, 2, BOOT)) {
      append(file.ring().part("disk"), 'a', 8, 2);
      assertThatThrownBy(() -> RingFile.open(path, 2, BOOT))
          .isInstanceOf(IOException.class)
          .hasMessage(path + ": in use by this process");
    }
    assertThat(Files.size(path)).isEqualTo(Ring.bytes(2, Ring.SEGMENT_BYTES));
    try (RingFile file = RingFile.open(path, 5, BOOT)) { // another size, but not yet
      assertThat(found(file.ring(), "disk")).containsExactly("a8+2");
      assertThat(file.ring().freeSegments()).isEqualTo(1);
      file.ring().forget("disk");
    }
    try (RingFile file = RingFile.open(path, 5, BOOT)) {
      assertThat(file.ring().freeSegments()).isEqualTo(5);
      append(file.ring().part("disk"), 'a', 8, 2);
    }
    try (RingFile file = RingFile.open(path, 5, new BootId(new UUID(7, 7)))) {
      assertThat(file.ring().owners()).isEmpty();
      assertThat(file.ring().discarded()).isNotNull();
      file.delete();
    }
    assertThat(path).doesNotExist();
  }

  @Test
  void fileOfSomethingElseIsReplaced(@TempDir Path folder) throws IOException {
    Path path = folder.resolve("ring");
    Files.write(path, new byte[] {1, 2, 3});
    try (RingFile file = RingFile.open(path, 1, BOOT)) {
      assertThat(file.ring().freeSegments()).isEqualTo(1);
    }
  }

  @Test
  void kernelSaysItsBoot() throws IOException {
    assertThat(BootId.current()).isEqualTo(BootId.current());
  }
}
