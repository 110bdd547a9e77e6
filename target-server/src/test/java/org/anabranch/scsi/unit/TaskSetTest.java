// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

import static org.anabranch.scsi.api.TaskAttribute.HEAD_OF_QUEUE;
import static org.anabranch.scsi.api.TaskAttribute.ORDERED;
import static org.anabranch.scsi.api.TaskAttribute.SIMPLE;
import static org.anabranch.scsi.api.TaskManagementFunction.ABORT_TASK;
import static org.anabranch.scsi.api.TaskManagementFunction.ABORT_TASK_SET;
import static org.anabranch.scsi.api.TaskManagementFunction.CLEAR_TASK_SET;
import static org.anabranch.scsi.api.TaskManagementFunction.LOGICAL_UNIT_RESET;
import static org.anabranch.scsi.api.TaskManagementFunction.TARGET_WARM_RESET;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.anabranch.scsi.Lab;
import org.anabranch.scsi.api.Status;
import org.anabranch.scsi.api.TaskManagementFunction;
import org.anabranch.scsi.api.TaskManagementFunction.Response;
import org.anabranch.scsi.device.LunInventory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Who runs when, and what happens to tasks that are aborted. */
final class TaskSetTest {
  private static final String READ = "28 00 00 00 00 00 00 00 01 00";
  private static final String WRITE = "2a 00 00 00 00 00 00 00 01 00";

  private final Lab lab = Lab.disk();
  private final Lab.Initiator first = lab.initiator("iqn.2026-11.org.example:first");
  private final Lab.Initiator second = lab.initiator("iqn.2026-11.org.example:second");

  private List<Response> manage(Lab.Initiator by, TaskManagementFunction function, int tag) {
    List<Response> answers = new ArrayList<>();
    lab.device.manage(by.nexus, function, 0, tag, answers::add);
    return answers;
  }

  @Test
  void simpleTasksRunTogether() {
    lab.disk.hold();
    Lab.Command a = first.begin(READ).execute();
    Lab.Command b = second.begin(READ).execute();
    assertThat(lab.disk.heldCount()).isEqualTo(2);
    lab.disk.letGo();
    a.result().isGood();
    b.result().isGood();
  }

  @Test
  void orderedTaskWaitsForOlderOnesAndHoldsNewerOnesBack() {
    lab.disk.hold();
    Lab.Command older = first.begin(READ).execute();
    Lab.Command ordered = first.begin(ORDERED, READ).execute();
    Lab.Command newer = second.begin(READ).execute();
    Lab.Command head = second.begin(HEAD_OF_QUEUE, READ).execute();
    assertThat(lab.disk.heldCount()).as("older and head of queue").isEqualTo(2);
    lab.disk.letGo();
    lab.disk.hold();
    lab.scheduler.settle();
    assertThat(older.isOver() && head.isOver()).isTrue();
    assertThat(lab.disk.heldCount()).as("ordered").isEqualTo(1);
    assertThat(newer.isOver()).isFalse();
    lab.disk.letGo();
    lab.scheduler.settle();
    ordered.result().isGood();
    newer.result().isGood();
  }

  @Test
  void orderIsThatOfDeliveryNotOfDataComingIn() {
    Lab.Command ordered = first.begin(ORDERED, WRITE, new byte[512]);
    Lab.Command newer = first.begin(SIMPLE, READ).execute();
    lab.scheduler.settle();
    assertThat(newer.isOver()).as("overtook an ordered task whose data is on the way").isFalse();
    ordered.execute();
    lab.scheduler.settle();
    newer.result().isGood();
  }

  @Test
  void aFullSetSaysSo() {
    lab.disk.hold();
    List<Lab.Command> commands = new ArrayList<>();
    for (int i = 0; i < TaskSet.MAX_TASKS; i++) {
      commands.add(first.begin(READ).execute());
    }
    assertThat(second.begin(READ).result().status()).isEqualTo(Status.TASK_SET_FULL);
    lab.disk.letGo();
    commands.forEach(command -> command.result().isGood());
    second.send(READ).isGood();
  }

  @Test
  void manyOrderedTasksDoNotGrowTheStack() {
    lab.disk.hold();
    List<Lab.Command> commands = new ArrayList<>();
    for (int i = 0; i < TaskSet.MAX_TASKS; i++) {
      commands.add(first.begin(ORDERED, READ).execute());
    }
    lab.disk.letGo();
    lab.scheduler.settle();
    commands.forEach(command -> command.result().isGood());
  }

  @Test
  void abortOfARunningTaskWaitsForItsIo() {
    lab.disk.hold();
    Lab.Command running = first.begin(WRITE, new byte[512]).execute();
    List<Response> answers = manage(first, ABORT_TASK, running.task.tag());
    assertThat(answers).isEmpty();
    assertThat(running.isOver()).isFalse();
    lab.disk.letGo();
    assertThat(answers).containsExactly(Response.COMPLETE);
    assertThat(running.result().aborted()).isTrue();
  }

  @Test
  void abortOfATaskThatHasNotBegunIsImmediate() {
    Lab.Command prepared = first.begin(WRITE, new byte[512]);
    assertThat(manage(first, ABORT_TASK, prepared.task.tag())).containsExactly(Response.COMPLETE);
    assertThat(prepared.result().aborted()).isTrue();
    prepared.execute(); // The transport did not know yet.
    lab.device.abandon(prepared.task);
    assertThat(manage(first, ABORT_TASK, prepared.task.tag()))
        .containsExactly(Response.TASK_DOES_NOT_EXIST);
  }

  @Test
  void abortOfABlockerLetsTheOthersRun() {
    Lab.Command blocker = first.begin(ORDERED, WRITE, new byte[512]);
    Lab.Command blocked = second.begin(READ).execute();
    manage(first, ABORT_TASK, blocker.task.tag());
    lab.scheduler.settle();
    blocked.result().isGood();
  }

  @Test
  void abortTaskSetEndsTheTasksOfItsNexusOnly() {
    lab.disk.hold();
    Lab.Command own = first.begin(READ).execute();
    Lab.Command other = second.begin(READ).execute();
    List<Response> answers = manage(first, ABORT_TASK_SET, 0);
    lab.disk.letGo();
    assertThat(answers).containsExactly(Response.COMPLETE);
    assertThat(own.result().aborted()).isTrue();
    other.result().isGood();
  }

  @Test
  void clearTaskSetEndsAllAndOwesAnAttentionToTheOthers() {
    lab.disk.hold();
    Lab.Command own = first.begin(READ).execute();
    Lab.Command other = second.begin(READ).execute();
    manage(first, CLEAR_TASK_SET, 0);
    lab.disk.letGo();
    assertThat(own.result().aborted()).isTrue();
    assertThat(other.result().aborted()).isTrue();
    second.send(READ).fails("6/2f/00");
    first.send(READ).isGood();
  }

  @Test
  void withTasTheOthersGetAStatusInstead() {
    first
        .send("15 10 00 00 10 00", Lab.hex("00 00 00 00 0a 0a 00 10 00 40 00 00 ff ff 00 00"))
        .isGood();
    second.send(READ).fails("6/2a/01");
    lab.disk.hold();
    Lab.Command other = second.begin(READ).execute();
    manage(first, CLEAR_TASK_SET, 0);
    lab.disk.letGo();
    assertThat(other.result().status()).isEqualTo(Status.TASK_ABORTED);
    assertThat(other.result().aborted()).isFalse();
    second.send(READ).isGood();
  }

  @Test
  void unitResetWaitsForAllAndOwesEverybody() {
    lab.disk.hold();
    Lab.Command own = first.begin(READ).execute();
    Lab.Command other = second.begin(READ).execute();
    List<Response> answers = manage(first, LOGICAL_UNIT_RESET, 0);
    assertThat(answers).isEmpty();
    lab.disk.letGo();
    assertThat(answers).containsExactly(Response.COMPLETE);
    assertThat(own.result().aborted() && other.result().aborted()).isTrue();
    first.send(READ).fails("6/29/03");
    second.send(READ).fails("6/29/03");
    first.send(READ).isGood();
  }

  @Test
  void targetResetOwesEverybody() {
    assertThat(manage(first, TARGET_WARM_RESET, 0)).containsExactly(Response.COMPLETE);
    first.send(READ).fails("6/29/02");
    second.send(READ).fails("6/29/02");
  }

  @Test
  void aFunctionForNoUnitSaysSo() {
    List<Response> answers = new ArrayList<>();
    lab.device.manage(first.nexus, LOGICAL_UNIT_RESET, LunInventory.field(7), 0, answers::add);
    assertThat(answers).containsExactly(Response.INCORRECT_LOGICAL_UNIT);
  }

  @Test
  void closingANexusEndsItsTasks() {
    lab.disk.hold();
    Lab.Command running = first.begin(READ).execute();
    Lab.Command prepared = first.begin(WRITE, new byte[512]);
    Lab.Command absent =
        lab.new Command(first, SIMPLE, LunInventory.field(9), "12 00 00 00 ff 00", new byte[0]);
    lab.device.close(first.nexus);
    assertThat(prepared.result().aborted()).isTrue();
    assertThat(absent.result().aborted()).isTrue();
    assertThat(running.isOver()).isFalse();
    lab.disk.letGo();
    assertThat(running.result().aborted()).isTrue();
  }

  // --- a device that hangs ------------------------------------------------------------------

  private static final String TEST_UNIT_READY = "00 00 00 00 00 00";
  private static final String INQUIRY = "12 00 00 00 ff 00";

  /** Longer than an abort waits for the device. */
  private void patienceEnds() {
    lab.scheduler.advance(TaskSet.PATIENCE_NANOS);
  }

  @Test
  void abortOfATaskAtADeviceThatHangsIsAnsweredAfterASecond() {
    lab.disk.hold();
    Lab.Command hung = first.begin(WRITE, new byte[512]).execute();
    List<Response> answers = manage(first, ABORT_TASK, hung.task.tag());
    lab.scheduler.advance(TaskSet.PATIENCE_NANOS - 1);
    assertThat(answers).as("the device may end it yet").isEmpty();
    lab.scheduler.advance(1);
    assertThat(answers).containsExactly(Response.COMPLETE);
    assertThat(hung.isDisowned()).isTrue();
    assertThat(hung.isOver()).as("its buffer is in use").isFalse();
    assertThat(manage(first, ABORT_TASK, hung.task.tag()))
        .containsExactly(Response.TASK_DOES_NOT_EXIST);
    lab.disk.letGo();
    assertThat(hung.result().aborted()).isTrue();
    assertThat(answers).as("once").hasSize(1);
  }

  /** What was aborted may have been written or not, but it does not come after what came later. */
  @Test
  void noWriteOvertakesOneThatWasDisowned() {
    lab.disk.hold();
    Lab.Command hung = first.begin(WRITE, Lab.pattern(512, 1)).execute();
    manage(first, ABORT_TASK, hung.task.tag());
    patienceEnds();
    Lab.Command later = second.begin(WRITE, Lab.pattern(512, 2)).execute();
    Lab.Command head = second.begin(HEAD_OF_QUEUE, READ).execute();
    lab.scheduler.settle();
    assertThat(lab.disk.heldCount()).as("only the write that hangs is at the device").isEqualTo(1);
    lab.disk.letGo();
    lab.scheduler.settle();
    assertThat(hung.result().aborted()).isTrue();
    later.result().isGood();
    head.result().isGood();
    assertThat(first.send(READ).data()).isEqualTo(Lab.pattern(512, 2));
  }

  @Test
  void commandsWithoutIoRunWhileTheDeviceHangs() {
    lab.disk.hold();
    Lab.Command hung = first.begin(ORDERED, WRITE, new byte[512]).execute();
    Lab.Command behind = first.begin(INQUIRY).execute();
    manage(first, ABORT_TASK, hung.task.tag());
    assertThat(behind.isOver()).as("behind an ordered task").isFalse();
    patienceEnds();
    behind.result().isGood();
    second.send(TEST_UNIT_READY).isGood();
    second.send(INQUIRY).isGood();
    second.send("5e 00 00 00 00 00 00 00 ff 00").isGood(); // PERSISTENT RESERVE IN
  }

  @Test
  void whatIsHeldBackIsAbortedAtOnce() {
    lab.disk.hold();
    Lab.Command hung = first.begin(WRITE, new byte[512]).execute();
    manage(first, ABORT_TASK, hung.task.tag());
    patienceEnds();
    Lab.Command waiting = first.begin(WRITE, new byte[512]).execute();
    assertThat(manage(first, ABORT_TASK, waiting.task.tag())).containsExactly(Response.COMPLETE);
    assertThat(waiting.result().aborted()).isTrue();
  }

  /** An initiator aborts one command after the other: it waits once. */
  @Test
  void aDeviceThatIsKnownToHangIsNotWaitedForAgain() {
    lab.disk.hold();
    List<Lab.Command> commands = new ArrayList<>();
    for (int i = 0; i < 96; i++) {
      commands.add(first.begin(i % 2 == 0 ? WRITE : READ, new byte[i % 2 == 0 ? 512 : 0]));
      commands.getLast().execute();
    }
    List<Response> one = manage(first, ABORT_TASK, commands.getFirst().task.tag());
    patienceEnds();
    assertThat(one).containsExactly(Response.COMPLETE);
    for (Lab.Command next : commands.subList(1, 96)) {
      assertThat(manage(first, ABORT_TASK, next.task.tag())).containsExactly(Response.COMPLETE);
    }
    assertThat(commands).allMatch(Lab.Command::isDisowned);
    lab.disk.letGo();
    assertThat(commands).allMatch(command -> command.result().aborted());
    first.send(WRITE, new byte[512]).isGood();
  }

  @ParameterizedTest
  @EnumSource(
      names = {"ABORT_TASK_SET", "CLEAR_TASK_SET", "LOGICAL_UNIT_RESET", "TARGET_WARM_RESET"})
  void whatEndsManyTasksIsAnsweredAfterASecond(TaskManagementFunction function) {
    lab.disk.hold();
    Lab.Command hung = first.begin(READ).execute();
    List<Response> answers = manage(first, function, 0);
    assertThat(answers).isEmpty();
    patienceEnds();
    assertThat(answers).containsExactly(Response.COMPLETE);
    assertThat(hung.isDisowned()).isTrue();
    lab.disk.letGo();
    assertThat(hung.result().aborted()).isTrue();
  }

  @Test
  void withTasADisownedTaskHasItsStatusAtOnce() {
    first
        .send("15 10 00 00 10 00", Lab.hex("00 00 00 00 0a 0a 00 10 00 40 00 00 ff ff 00 00"))
        .isGood();
    second.send(READ).fails("6/2a/01");
    lab.disk.hold();
    Lab.Command other = second.begin(READ).execute();
    manage(first, CLEAR_TASK_SET, 0);
    patienceEnds();
    assertThat(other.isDisowned()).isTrue();
    assertThat(other.task.status()).isEqualTo(Status.TASK_ABORTED);
    assertThat(other.task.aborted()).isFalse();
    lab.disk.letGo();
    assertThat(other.result().status()).isEqualTo(Status.TASK_ABORTED);
  }

  @Test
  void aTaskOfANexusThatIsGoneIsDisownedToo() {
    lab.disk.hold();
    Lab.Command hung = first.begin(WRITE, Lab.pattern(512, 1)).execute();
    lab.device.close(first.nexus);
    patienceEnds();
    assertThat(hung.isDisowned()).isTrue();
    Lab.Command later = second.begin(WRITE, Lab.pattern(512, 2)).execute();
    assertThat(lab.disk.heldCount()).isEqualTo(1);
    lab.disk.letGo();
    lab.scheduler.settle();
    later.result().isGood();
    assertThat(second.send(READ).data()).isEqualTo(Lab.pattern(512, 2));
  }

  /** The device can be closed then: for that even disowned tasks must have ended. */
  @Test
  void aUnitIsGoneWhenItsDisownedTasksHaveEnded() {
    lab.disk.hold();
    Lab.Command hung = first.begin(WRITE, new byte[512]).execute();
    manage(first, ABORT_TASK, hung.task.tag());
    patienceEnds();
    List<String> told = new ArrayList<>();
    lab.device.detach(0, () -> told.add("gone"));
    patienceEnds();
    assertThat(told).isEmpty();
    lab.disk.letGo();
    assertThat(told).containsExactly("gone");
  }

  @Test
  void disownedTasksCountForTheLimitOfTheSet() {
    lab.disk.hold();
    List<Lab.Command> commands = new ArrayList<>();
    for (int i = 0; i < TaskSet.MAX_TASKS; i++) {
      commands.add(first.begin(READ).execute());
    }
    manage(first, LOGICAL_UNIT_RESET, 0);
    patienceEnds();
    assertThat(second.begin(READ).result().status()).isEqualTo(Status.TASK_SET_FULL);
    lab.disk.letGo();
    assertThat(commands).allMatch(command -> command.result().aborted());
    second.send(READ).fails("6/29/03");
  }
}
