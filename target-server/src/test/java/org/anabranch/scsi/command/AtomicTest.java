// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.anabranch.block.IoError;
import org.anabranch.scsi.Lab;
import org.anabranch.scsi.api.Status;
import org.anabranch.scsi.api.TaskManagementFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** COMPARE AND WRITE, ORWRITE, VERIFY, WRITE AND VERIFY; and what keeps writes out of the first. */
final class AtomicTest {
  private static final String COMPARE_AND_WRITE_2 =
      "89 00 00 00 00 00 00 00 00 04 00 00 00 02 00 00";
  private static final String READ_2 = "28 00 00 00 00 04 00 00 02 00";
  private static final String WRITE_1 = "2a 00 00 00 00 05 00 00 01 00";

  private final Lab lab = Lab.disk();
  private final Lab.Initiator initiator = lab.initiator();

  private static byte[] both(byte[] expected, byte[] written) {
    byte[] data = Arrays.copyOf(expected, expected.length + written.length);
    System.arraycopy(written, 0, data, expected.length, written.length);
    return data;
  }

  @Test
  void writesWhenAllIsAsExpected() {
    byte[] wanted = Lab.pattern(1024, 2);
    initiator.send(COMPARE_AND_WRITE_2, both(new byte[1024], wanted)).isGood();
    assertThat(initiator.send(READ_2).data()).isEqualTo(wanted);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 511, 512, 1023})
  void aDifferenceIsToldWithItsOffsetAndNothingIsWritten(int offset) {
    byte[] expected = new byte[1024];
    expected[offset] = 1;
    Lab.Result result = initiator.send(COMPARE_AND_WRITE_2, both(expected, Lab.pattern(1024, 2)));
    result.fails("e/1d/00");
    assertThat(result.information()).isEqualTo(offset);
    assertThat(initiator.send(READ_2).data()).containsOnly(0);
  }

  @Test
  void anotherLengthIsRefused() {
    initiator.send(COMPARE_AND_WRITE_2, new byte[1024]).fails("5/0e/03");
    initiator.send(COMPARE_AND_WRITE_2, new byte[3072]).fails("5/24/00");
    initiator
        .send("89 00 00 00 00 00 00 00 00 04 00 00 00 00 00 00", new byte[1024])
        .fails("5/24/00");
    initiator.send("89 00 00 00 00 00 00 00 00 04 00 00 00 00 00 00").isGood();
    initiator
        .send("89 00 00 00 00 00 00 00 1f ff 00 00 00 02 00 00", new byte[2048])
        .fails("5/21/00");
  }

  @Test
  void noWriteGetsBetweenComparingAndWriting() {
    lab.disk.hold();
    Lab.Command compares =
        initiator.begin(COMPARE_AND_WRITE_2, both(new byte[1024], Lab.pattern(1024, 2))).execute();
    Lab.Command overlaps = initiator.begin(WRITE_1, Lab.pattern(512, 9)).execute();
    Lab.Command elsewhere =
        initiator.begin("2a 00 00 00 00 06 00 00 01 00", Lab.pattern(512, 9)).execute();
    assertThat(lab.disk.heldCount()).as("the compare's read and the write elsewhere").isEqualTo(2);
    lab.disk.letGo();
    lab.scheduler.settle();
    compares.result().isGood();
    overlaps.result().isGood();
    elsewhere.result().isGood();
    byte[] read = initiator.send(READ_2).data();
    assertThat(Arrays.copyOf(read, 512)).isEqualTo(Arrays.copyOf(Lab.pattern(1024, 2), 512));
    assertThat(Arrays.copyOfRange(read, 512, 1024)).isEqualTo(Lab.pattern(512, 9));
  }

  @Test
  void ofTwoThatExpectTheSameOneWins() {
    lab.disk.hold();
    List<Lab.Command> rivals = new ArrayList<>();
    for (int i = 1; i <= 20; i++) {
      rivals.add(
          initiator
              .begin(COMPARE_AND_WRITE_2, both(new byte[1024], Lab.pattern(1024, i)))
              .execute());
    }
    lab.disk.letGo();
    lab.scheduler.settle();
    long winners = rivals.stream().filter(each -> each.result().status() == Status.GOOD).count();
    assertThat(winners).isEqualTo(1);
    assertThat(initiator.send(READ_2).data()).isEqualTo(Lab.pattern(1024, 1));
  }

  @Test
  void aWaitingTaskThatIsAbortedWritesNothing() {
    lab.disk.hold();
    initiator.begin(COMPARE_AND_WRITE_2, both(new byte[1024], new byte[1024])).execute();
    Lab.Command second =
        initiator.begin(COMPARE_AND_WRITE_2, both(new byte[1024], Lab.pattern(1024, 3))).execute();
    lab.device.manage(
        initiator.nexus, TaskManagementFunction.ABORT_TASK, 0, second.task.tag(), answer -> {});
    lab.disk.letGo();
    lab.scheduler.settle();
    assertThat(second.result().aborted()).isTrue();
    assertThat(initiator.send(READ_2).data()).containsOnly(0);
  }

  @Test
  void orWriteSetsBits() {
    byte[] before = Lab.pattern(600 * 512, 1);
    byte[] data = Lab.pattern(600 * 512, 77);
    initiator.send("2a 00 00 00 00 00 00 02 58 00", before).isGood();
    initiator.send("8b 00 00 00 00 00 00 00 00 00 00 00 02 58 00 00", data).isGood();
    byte[] expected = new byte[before.length];
    for (int i = 0; i < expected.length; i++) {
      expected[i] = (byte) (before[i] | data[i]);
    }
    assertThat(initiator.send("28 00 00 00 00 00 00 02 58 00").data()).isEqualTo(expected);
    initiator
        .send("8b 00 00 00 00 00 00 00 1f ff 00 00 00 02 00 00", new byte[1024])
        .fails("5/21/00");
  }

  @ParameterizedTest
  @ValueSource(strings = {"2f", "2e"})
  void verifyComparesPiecesOfAnyLength(String opcode) {
    byte[] data = Lab.pattern(1025 * 512, 4);
    initiator.send("2a 00 00 00 00 00 00 04 01 00", data).isGood();
    initiator.send(opcode + " 02 00 00 00 00 00 04 01 00", data).isGood();
    byte[] wrong = data.clone();
    wrong[1024 * 512 + 3] ^= 0x10;
    Lab.Result result = initiator.send("2f 02 00 00 00 00 00 04 01 00", wrong);
    result.fails("e/1d/00");
    assertThat(result.information()).isEqualTo(1024 * 512 + 3);
  }

  @Test
  void verifyWithOneBlockForAll() {
    byte[] block = Lab.pattern(512, 1);
    initiator.send("41 00 00 00 00 00 00 00 08 00", block).isGood();
    initiator.send("2f 06 00 00 00 00 00 00 08 00", block).isGood();
    initiator.send("2f 06 00 00 00 00 00 00 09 00", block).fails("e/1d/00");
    initiator.send("2f 04 00 00 00 00 00 00 08 00", block).fails("5/24/00");
    initiator.send("2f 02 00 00 00 00 00 00 08 00", block).fails("5/0e/03");
  }

  @Test
  void verifyWithoutDataReads() {
    initiator.send("2f 00 00 00 00 00 00 00 08 00").isGood();
    lab.disk.fail(IoError.Kind.IO, 5);
    Lab.Result result = initiator.send("2f 00 00 00 00 00 00 00 08 00");
    result.fails("3/11/00");
    assertThat(result.information()).isEqualTo(5);
  }

  @Test
  void writeAndVerifyWritesThroughToTheMedium() {
    byte[] data = Lab.pattern(1024, 8);
    initiator.send("2e 02 00 00 00 04 00 00 02 00", data).isGood();
    assertThat(lab.disk.durableWrites()).isEqualTo(1);
    assertThat(initiator.send(READ_2).data()).isEqualTo(data);
  }

  @Test
  void moreVerifiesThanScratchBuffersAllEnd() {
    lab.disk.hold();
    List<Lab.Command> commands = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      commands.add(initiator.begin("2f 00 00 00 00 00 00 08 00 00").execute());
    }
    assertThat(lab.disk.heldCount()).as("one Io for each buffer").isEqualTo(4);
    lab.disk.letGo();
    lab.scheduler.settle();
    commands.forEach(command -> command.result().isGood());
  }
}
