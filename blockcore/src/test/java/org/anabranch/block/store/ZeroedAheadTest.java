// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.DeferringLock;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.testing.TestDevice;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Where zeros go, and who waits for them. */
final class ZeroedAheadTest {
  private static final long CHUNK = 16;
  private static final long SECTORS = 3L * ZeroedAhead.ZEROED;

  private final TestDevice cow = new TestDevice("cow", SECTORS);
  private final DeferringLock lock = new DeferringLock();
  private final ZeroedAhead ahead = new ZeroedAhead(cow, lock);
  private final List<Long> writable = new ArrayList<>();

  @BeforeEach
  void sparse() {
    cow.holes(sector -> true);
    ahead.begin(CHUNK);
  }

  /** First sector that is not for data. */
  private long limit = Long.MAX_VALUE;

  private void allocate(long sector, long sectors, boolean alone) {
    lock.run(() -> ahead.whenDone(sector, sectors, limit, alone, () -> writable.add(sector)));
  }

  /** Allocations one after another, from {@code from} on; where the next one begins. */
  private long allocateAlone(long from, int count) {
    for (int i = 0; i < count; i++) {
      allocate(from + i * CHUNK, CHUNK, true);
    }
    return from + count * CHUNK;
  }

  private List<String> written() {
    List<String> written = cow.log().stream().filter(io -> io.startsWith("WRITE")).toList();
    cow.clearLog();
    return written;
  }

  @Test
  void zerosGoAheadOfThoseThatComeOneByOne() {
    long next = allocateAlone(CHUNK, ZeroedAhead.ALONE - 1);
    assertThat(cow.log()).isEmpty();
    next = allocateAlone(next, 1);
    assertThat(written()).containsExactly("WRITE 64+2048");

    next = allocateAlone(next, ZeroedAhead.ZEROED / (int) CHUNK - 1);
    assertThat(written()).as("while there are some").isEmpty();
    allocateAlone(next, 1);
    assertThat(written()).containsExactly("WRITE 2112+2048");
  }

  @Test
  void nobodyWritesBeforeTheZerosAreThere() {
    cow.hold(io -> io.op() == Io.Op.WRITE);
    long next = allocateAlone(CHUNK, ZeroedAhead.ALONE + 1);
    assertThat(writable).containsExactly(16L, 32L, 48L);
    allocate(next, ZeroedAhead.ZEROED, false);
    assertThat(writable).as("nor in a range that zeros may yet reach").hasSize(3);
    cow.hold(io -> false);
    cow.release();
    assertThat(writable).containsExactly(16L, 32L, 48L, 64L, 80L, 96L);
    assertThat(written()).as("none behind what was large").containsExactly("WRITE 64+2048");
  }

  @Test
  void nothingIsZeroedForWhatSharesASync() {
    for (long sector = CHUNK, i = 0; i < 100; i++, sector += CHUNK) {
      allocate(sector, CHUNK, i % ZeroedAhead.ALONE != 0);
    }
    assertThat(cow.log()).isEmpty();
    assertThat(writable).hasSize(100);
  }

  @Test
  void nothingIsZeroedForWhatIsLarge() {
    for (long i = 0; i < 20; i++) {
      allocate(CHUNK + i * ZeroedAhead.LARGE, ZeroedAhead.LARGE, true);
    }
    assertThat(cow.log()).isEmpty();
    assertThat(writable).hasSize(20);
  }

  @Test
  void whatStorageBacksStaysAsItIs() {
    cow.holes(sector -> (sector >= 100 && sector < 200) || sector >= 2000);
    allocateAlone(CHUNK, ZeroedAhead.ALONE);
    assertThat(written()).containsExactly("WRITE 100+100", "WRITE 2000+112");
    cow.holes(sector -> false);
    ahead.begin(2112);
    allocateAlone(2112, 100);
    assertThat(written()).isEmpty();
    assertThat(writable).hasSize(ZeroedAhead.ALONE + 100);
  }

  @Test
  void endsWithTheDevice() {
    ahead.begin(SECTORS - 100 * CHUNK);
    allocateAlone(SECTORS - 100 * CHUNK, 100);
    assertThat(written()).containsExactly("WRITE 4592+1552");
    assertThat(writable).hasSize(100);
    cow.grow(SECTORS + ZeroedAhead.ZEROED);
    allocateAlone(SECTORS, 1);
    assertThat(written()).as("and goes on where it has grown").containsExactly("WRITE 6144+2048");
  }

  /** The store may be zeroing that area at the same moment. */
  @Test
  void zerosEndAtTheNextMetadataArea() {
    limit = CHUNK * 100;
    allocateAlone(CHUNK, 99);
    assertThat(written()).containsExactly("WRITE 64+1536");
    limit = CHUNK * 300;
    allocateAlone(CHUNK * 101, 1);
    assertThat(cow.log()).containsExactly("BLOCK_STATUS 1616+2048", "WRITE 1616+2048");
    assertThat(writable).hasSize(100);
  }

  @Test
  void zerosThatCannotBeWrittenAreDoneWithout() {
    cow.fault(io -> IoError.of(IoError.Kind.NO_SPACE, "full"));
    allocateAlone(CHUNK, 10);
    assertThat(writable).hasSize(10);
    cow.fault(io -> io.op() == Io.Op.WRITE ? IoError.of(IoError.Kind.IO, "broken") : null);
    ahead.begin(4096);
    allocateAlone(4096, 10);
    assertThat(writable).hasSize(20);
  }
}
