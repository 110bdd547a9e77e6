// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

import static org.anabranch.scsi.Lab.pattern;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.anabranch.block.IoError;
import org.anabranch.block.testing.Counted;
import org.anabranch.scsi.api.Status;
import org.anabranch.scsi.api.TaskManagementFunction;
import org.junit.jupiter.api.Test;

/** What a logical unit counts, by each kind of command and end. */
final class UnitCountsTest {
  private static final String READ = "28 00 00 00 00 00 00 00 08 00";
  private static final String WRITE = "2a 00 00 00 00 00 00 00 08 00";

  private final Lab lab = Lab.disk();
  private final Lab.Initiator first = lab.initiator();

  private Map<String, Long> counted() {
    return Counted.moved(lab.unit.counts());
  }

  private static Map<String, Long> map(Object... pairs) {
    Map<String, Long> map = new TreeMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      map.put("unit " + pairs[i], ((Number) pairs[i + 1]).longValue());
    }
    return map;
  }

  @Test
  void eachCommandIsCountedOnceByItsKind() {
    assertThat(counted()) // the unit attention that a new nexus is owed
        .isEqualTo(map("others", 1, "check-conditions", 1, "other latency", 1));
    first.send(READ).isGood();
    first.send(READ).isGood();
    first.send(WRITE, pattern(4096, 1)).isGood();
    first.send("2e 00 00 00 00 00 00 00 01 00", pattern(512, 2)).isGood(); // AND VERIFY
    byte[] both = new byte[1024];
    System.arraycopy(pattern(512, 2), 0, both, 0, 512);
    first.send("89 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00", both).isGood();
    first.send("35 00 00 00 00 00 00 00 00 00").isGood(); // SYNCHRONIZE CACHE
    assertThat(counted())
        .isEqualTo(
            map(
                "reads", 2,
                "read-bytes", 8192,
                "read latency", 2,
                "writes", 3,
                "written-bytes", 4096 + 512 + 1024,
                "write latency", 3,
                "others", 2,
                "other latency", 2,
                "check-conditions", 1));
  }

  @Test
  void whatFailsMovesNoBytes() {
    lab.disk.fail(IoError.Kind.IO, 0);
    first.send(READ).fails("3/11/00");
    first.send(WRITE, pattern(4096, 1)).fails("3/0c/00");
    lab.disk.fail(null, 0);
    first.send("28 00 00 ff ff ff 00 00 08 00").fails("5/21/00");
    assertThat(counted())
        .isEqualTo(
            map(
                "reads", 2,
                "read latency", 2,
                "writes", 1,
                "write latency", 1,
                "others", 1,
                "other latency", 1,
                "check-conditions", 4,
                "device-errors", 2));
  }

  @Test
  void abortedTasksAreCountedAsThat() {
    lab.disk.hold();
    Lab.Command read = first.begin(READ).execute();
    lab.scheduler.settle();
    assertThat(lab.unit.queueDepth()).isEqualTo(1);
    lab.device.manage(
        first.nexus, TaskManagementFunction.ABORT_TASK, 0, read.task.tag(), response -> {});
    lab.disk.letGo();
    lab.scheduler.settle();
    assertThat(read.result().aborted()).isTrue();
    assertThat(lab.unit.queueDepth()).isZero();
    assertThat(counted()).containsEntry("unit aborted", 1L).doesNotContainKey("unit reads");
  }

  @Test
  void conflictsAndAFullSet() {
    Lab.Initiator second = lab.initiator("iqn.2026-11.org.example:second");
    second.send("16 00 00 00 00 00").isGood(); // RESERVE (6)
    first.send(READ).conflicts();
    assertThat(counted()).containsEntry("unit reservation-conflicts", 1L);
    second.send("17 00 00 00 00 00").isGood();
    List<Lab.Command> all = new ArrayList<>();
    for (int i = 0; i < 1024; i++) {
      all.add(first.begin(READ));
    }
    Lab.Command refused = first.begin(READ);
    assertThat(refused.result().status()).isEqualTo(Status.TASK_SET_FULL);
    assertThat(counted()).containsEntry("unit task-set-full", 1L).containsEntry("unit reads", 1L);
    assertThat(lab.unit.queueDepth()).isEqualTo(1024);
    all.forEach(Lab.Command::execute);
    lab.scheduler.settle();
    assertThat(counted())
        .containsEntry("unit task-set-full", 1L)
        .containsEntry("unit reads", 1025L)
        .containsEntry("unit read-bytes", 1024 * 4096L);
  }
}
