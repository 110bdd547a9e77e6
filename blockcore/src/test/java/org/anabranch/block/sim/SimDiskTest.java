// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class SimDiskTest {
  private final SimScheduler scheduler = new SimScheduler(1);
  private final SimDisk disk = new SimDisk("disk", 64, Limits.DEFAULT, scheduler);
  private final List<IoError> errors = new ArrayList<>();

  private Io write(long sector, String letters, boolean fua) {
    ByteBuffer data = ByteBuffer.allocate(letters.length() * 512);
    for (int i = 0; i < letters.length(); i++) {
      data.put(i * 512, (byte) letters.charAt(i)).put(i * 512 + 511, (byte) letters.charAt(i));
    }
    return Io.write(sector, data, fua, this::done);
  }

  private void done(Io io, @Nullable IoError error) {
    if (error != null) {
      errors.add(error);
    }
  }

  private void run(Io... ios) {
    for (Io io : ios) {
      disk.submit(io);
    }
    scheduler.runToQuiescence();
  }

  private static String letters(SimDisk disk, int count) {
    byte[] bytes = disk.peek(0, count);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < count; i++) {
      assertThat(bytes[i * 512]).as("torn inside a sector").isEqualTo(bytes[i * 512 + 511]);
      text.append(bytes[i * 512] == 0 ? '.' : (char) bytes[i * 512]);
    }
    return text.toString();
  }

  private Set<String> afterPowerCut(int sectors) {
    Set<String> found = new TreeSet<>();
    Choices choices = Choices.exhaustive(12, new SplittableRandom(1));
    do {
      found.add(letters(disk.afterPowerCut(new SimScheduler(2), choices), sectors));
    } while (choices.another());
    return found;
  }

  @Test
  void readsWhatWasWrittenBeforeAndAfterAFlush() {
    run(write(1, "ab", false));
    ByteBuffer read = ByteBuffer.allocate(3 * 512);
    run(Io.read(0, read, this::done));
    assertThat(read.get(512)).isEqualTo((byte) 'a');
    run(Io.flush(this::done));
    assertThat(letters(disk, 4)).isEqualTo(".ab.");
    assertThat(errors).isEmpty();
    disk.close();
  }

  @Test
  void powerCutKeepsFlushedWritesAndAnyPartOfTheRest() {
    run(write(0, "ab", false));
    run(Io.flush(this::done));
    run(write(1, "cd", false));
    assertThat(afterPowerCut(3)).containsExactlyInAnyOrder("ab.", "ac.", "abd", "acd");
  }

  @Test
  void powerCutMayKeepAnOlderOfTwoUnflushedWrites() {
    run(write(0, "a", false));
    run(write(0, "b", false));
    assertThat(afterPowerCut(1)).containsExactlyInAnyOrder(".", "a", "b");
  }

  @Test
  void fuaWriteIsDurableAlone() {
    run(write(0, "a", false));
    run(write(1, "b", true));
    assertThat(afterPowerCut(2)).containsExactlyInAnyOrder(".b", "ab");
  }

  @Test
  void flushSaysNothingOfWritesStillInFlight() {
    Set<String> seen = new TreeSet<>();
    for (long seed = 0; seed < 50; seed++) {
      SimScheduler other = new SimScheduler(seed);
      SimDisk raced = new SimDisk("raced", 8, Limits.DEFAULT, other);
      raced.submit(write(0, "a", false));
      raced.submit(Io.flush(this::done));
      other.runToQuiescence();
      seen.add(letters(raced.afterPowerCut(new SimScheduler(1), Choices.always(0)), 1));
    }
    assertThat(seen).as("now and then the write completes inside submit").contains(".", "a");
  }

  @Test
  void writeInFlightMayHaveReachedTheMediumInPart() {
    disk.submit(write(0, "ab", false));
    assertThat(afterPowerCut(2)).containsExactlyInAnyOrder("..", "a.", ".b", "ab");
  }

  @Test
  void writesAfterAFailedFlushAreLostToTheNextFlush() {
    run(write(0, "a", false));
    disk.loseUnflushed();
    run(write(1, "b", false));
    run(Io.flush(this::done));
    assertThat(letters(disk, 2)).isEqualTo("ab");
    assertThat(afterPowerCut(2)).containsExactlyInAnyOrder(".b", "ab");
  }

  @Test
  void lyingDiskLosesWhatWasFlushed() {
    disk.ignoreFlush();
    run(write(0, "a", true));
    run(Io.flush(this::done));
    assertThat(afterPowerCut(1)).contains(".");
  }

  @Test
  void discardMakesHolesAndZeroesDoNot() {
    run(write(0, "abcd", false));
    run(Io.discard(0, 2, this::done), Io.writeZeroes(2, 1, false, this::done));
    assertThat(letters(disk, 4)).isEqualTo("...d");
    Io first = Io.blockStatus(0, 8, this::done);
    Io second = Io.blockStatus(2, 8, this::done);
    run(first, second);
    assertThat(first.allocated()).isFalse();
    assertThat(first.statusSectors()).isEqualTo(2);
    assertThat(second.allocated()).isTrue();
    assertThat(second.statusSectors()).isEqualTo(2);
  }

  @Test
  void refusesWhatItCanNotDo() {
    run(write(64, "a", false));
    assertThat(errors).extracting(IoError::kind).containsExactly(IoError.Kind.OUT_OF_RANGE);
  }

  @Test
  void overlapInFlightIsNoticed() {
    disk.forbidOverlap();
    disk.submit(write(0, "ab", false));
    disk.submit(write(2, "a", false));
    scheduler.runToQuiescence();
    disk.submit(write(0, "ab", false));
    disk.submit(Io.read(1, ByteBuffer.allocate(512), this::done));
    assertThatThrownBy(scheduler::runToQuiescence).hasMessageContaining("overlaps");
  }

  @Test
  void closeNoticesARequestThatNobodyWaitedFor() {
    disk.submit(Io.flush(this::done));
    assertThatThrownBy(disk::close).hasMessageContaining("FLUSH");
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void faultComesAtTheNthRequest(boolean forever) {
    FaultDevice faulty = new FaultDevice(disk, scheduler);
    faulty.arm(new FaultDevice.Fault(Io.Op.WRITE, 2, forever, IoError.Kind.NO_SPACE));
    for (int i = 0; i < 3; i++) {
      faulty.submit(write(i, "a", false));
      faulty.submit(Io.flush(this::done));
      scheduler.runToQuiescence();
    }
    assertThat(errors).hasSize(forever ? 2 : 1);
    assertThat(errors.getFirst().kind()).isEqualTo(IoError.Kind.NO_SPACE);
    assertThat(faulty.seen(Io.Op.WRITE)).isEqualTo(3);
    assertThat(faulty.failures()).isEqualTo(errors.size());
  }

  @Test
  void failedFlushLosesTheWritesBeforeIt() {
    FaultDevice faulty = new FaultDevice(disk, scheduler);
    faulty.arm(new FaultDevice.Fault(Io.Op.FLUSH, 1, false, IoError.Kind.IO));
    faulty.submit(write(0, "a", false));
    scheduler.runToQuiescence();
    for (int i = 0; i < 2; i++) {
      faulty.submit(Io.flush(this::done));
      scheduler.runToQuiescence();
    }
    assertThat(errors).hasSize(1);
    assertThat(afterPowerCut(1)).containsExactlyInAnyOrder(".", "a");
  }

  @Test
  void fileTakesNothingButDurableWritesAfterAFailedFlush() {
    FaultDevice file = new FaultDevice(disk, scheduler);
    file.latch();
    file.arm(new FaultDevice.Fault(Io.Op.FLUSH, 1, false, IoError.Kind.IO));
    file.submit(write(0, "a", false));
    scheduler.runToQuiescence();
    file.submit(Io.flush(this::done));
    file.submit(Io.flush(this::done));
    file.submit(write(1, "b", false));
    file.submit(Io.discard(0, 1, this::done));
    file.submit(write(2, "c", true));
    scheduler.runToQuiescence();
    assertThat(errors)
        .extracting(IoError::kind)
        .containsExactlyInAnyOrder(
            IoError.Kind.IO, IoError.Kind.IO, IoError.Kind.READ_ONLY, IoError.Kind.READ_ONLY);
    assertThat(file.limits().readOnly()).isTrue();
    assertThat(afterPowerCut(3)).containsExactlyInAnyOrder("..c", "a.c");
  }

  @ParameterizedTest
  @ValueSource(strings = {"IO", "NO_SPACE"})
  void fileSurvivesADurableWriteWithoutRoom(String kind) {
    FaultDevice file = new FaultDevice(disk, scheduler);
    file.latch();
    file.arm(new FaultDevice.Fault(Io.Op.WRITE, 1, false, IoError.Kind.valueOf(kind)));
    file.submit(write(0, "a", true));
    scheduler.runToQuiescence();
    assertThat(file.limits().readOnly()).isEqualTo(kind.equals("IO"));
  }

  @Test
  void failedFlushLosesNothingThatAnEarlierOneIsAtWorkOn() {
    run(write(0, "a", false));
    disk.submit(Io.flush(this::done));
    disk.loseUnflushed();
    scheduler.runToQuiescence();
    assertThat(afterPowerCut(1)).containsExactly("a");
  }
}
