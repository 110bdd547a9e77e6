// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import static org.anabranch.initiator.Requests.FINAL;
import static org.anabranch.initiator.Requests.READ;
import static org.anabranch.iscsi.ServerUnderTest.SECTORS;
import static org.anabranch.iscsi.ServerUnderTest.await;
import static org.anabranch.iscsi.ServerUnderTest.options;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Command;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.PendingCommand;
import org.anabranch.initiator.Requests;
import org.anabranch.initiator.Response;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.initiator.TaskAbortedException;
import org.anabranch.initiator.TaskManagement;
import org.anabranch.iscsi.LogWatch;
import org.anabranch.iscsi.ServerUnderTest;
import org.anabranch.iscsi.Wire;
import org.anabranch.iscsi.login.IscsiLimits;
import org.anabranch.scsi.api.InitiatorPort;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.api.TaskManagementFunction;
import org.anabranch.scsi.api.TaskRouter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * ABORT TASK at every moment of a command's life (RFC 7143 11.5, 11.6): a command is answered
 * before the task management response, or never.
 */
final class AbortTaskTest {
  private static final int COMMANDS = 4000;
  private static final int MAX_IN_FLIGHT = 24;

  /** Bursts that are asked for one by one, so that aborts come between them. */
  private static SessionOptions solicited() {
    return options()
        .key("InitialR2T", "Yes")
        .key("ImmediateData", "No")
        .key("MaxBurstLength", "4096");
  }

  // --- one command --------------------------------------------------------------------------

  @Test
  void aCommandInTheBlockLayerIsNotAnswered() throws Exception {
    try (ServerUnderTest server = new ServerUnderTest(1);
        Wire wire = new Wire(server, options())) {
      server.disk(0).hold();
      Pdu read = Requests.command(0, 5, Cdb.read(0, 1), FINAL | READ, 512);
      wire.send(read);
      server.disk(0).awaitHeld(1);
      wire.send(Requests.taskManagement(1, 0, 6, 5, read.cmdSn()));
      // A device that works ends it soon, and then nothing of it is left.
      assertThat(wire.saysNow()).isEmpty();
      server.disk(0).letGo();
      assertThat(Wire.describe(wire.receive())).isEqualTo("tmf 00");
      wire.send(Requests.taskManagement(1, 0, 6, 5, read.cmdSn()));
      assertThat(Wire.describe(wire.receive())).isEqualTo("tmf 01");
      assertThat(wire.saysNow()).isEmpty();
      wire.assertWorks();
    }
  }

  /** The initiator is done with the command; its tag is free, and its place in the window. */
  @Test
  void aCommandAtADeviceThatHangsIsGivenUp() throws Exception {
    try (ServerUnderTest server = new ServerUnderTest(2);
        Wire wire = new Wire(server, options())) {
      server.disk(0).hold();
      Pdu read = Requests.command(0, 5, Cdb.read(0, 1), FINAL | READ, 512);
      wire.send(read);
      server.disk(0).awaitHeld(1);
      wire.send(Requests.taskManagement(1, 0, 6, 5, read.cmdSn()));
      assertThat(wire.saysNow()).isEmpty();
      server.patienceEnds();
      assertThat(Wire.describe(wire.receive())).isEqualTo("tmf 00");
      wire.send(Requests.taskManagement(1, 0, 6, 5, read.cmdSn()));
      assertThat(Wire.describe(wire.receive())).isEqualTo("tmf 01");

      // The other unit works, with the same tag.
      wire.send(Requests.command(1L << 48, 5, Cdb.read(0, 1), FINAL | READ, 512));
      assertThat(Wire.describe(wire.receive())).as("attention").startsWith("status 02 6/29");
      wire.send(Requests.command(1L << 48, 5, Cdb.read(0, 1), FINAL | READ, 512));
      assertThat(Wire.describe(wire.receive())).isEqualTo("data 00");
      // What needs the device that hangs waits, and is aborted at once.
      Pdu waiting = Requests.command(0, 5, Cdb.read(0, 1), FINAL | READ, 512);
      wire.send(waiting);
      wire.send(Requests.taskManagement(1, 0, 6, 5, waiting.cmdSn()));
      assertThat(Wire.describe(wire.receive())).isEqualTo("tmf 00");

      server.disk(0).letGo();
      assertThat(wire.saysNow()).isEmpty();
      wire.assertWorks();
    }
  }

  /** More than the window has places: all of them open again, and all memory comes back. */
  @Test
  void aResetAndAnAbortOfManyAtADeviceThatHangs() throws Exception {
    try (ServerUnderTest server = new ServerUnderTest(2)) {
      Disk disk = await(Disk.open(server.login(options()), 0));
      server.disk(0).hold();
      List<PendingCommand> hung = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        hung.add(disk.session().start(Command.in(0, Cdb.read(i, 8), 8 * 512)));
      }
      server.disk(0).awaitHeld(16);
      var first = disk.session().abort(hung.getFirst());
      server.patienceEnds();
      assertThat(await(first)).isEqualTo(TaskManagement.COMPLETE);
      for (PendingCommand next : hung.subList(1, 16)) {
        assertThat(await(disk.session().abort(next))).isEqualTo(TaskManagement.COMPLETE);
        assertThat(next.response()).isCompletedExceptionally();
      }
      assertThat(await(disk.session().inFlight())).isZero();
      for (int i = 0; i < 64; i++) {
        Command read = Command.in(1L << 48, Cdb.read(i, 8), 8 * 512);
        assertThat(await(disk.session().submit(read)).status()).as("read %s", i).isIn(0, 2);
      }
      server.disk(0).letGo();
      assertThat(await(disk.session().submit(Command.in(0, Cdb.read(0, 8), 8 * 512))).isGood())
          .isTrue();
      await(disk.session().logout());
    }
  }

  /** SCSI knows no connections, but its lines of the log name them as those of iSCSI do. */
  @Test
  void theLogNamesTheConnectionAndSessionWhoseCommandHangs() throws Exception {
    try (LogWatch log = new LogWatch();
        ServerUnderTest server = new ServerUnderTest(1)) {
      Disk disk = await(Disk.open(server.login(options()), 0));
      server.disk(0).hold();
      PendingCommand hung = disk.session().start(Command.in(0, Cdb.read(0, 8), 8 * 512));
      server.disk(0).awaitHeld(1);
      var aborted = disk.session().abort(hung);
      server.patienceEnds();
      assertThat(await(aborted)).isEqualTo(TaskManagement.COMPLETE);
      int tsih = disk.session().parameters().tsih();
      assertThat(log.numberedWarnings())
          .filteredOn(line -> line.contains(" hangs: 1 aborted commands"))
          .singleElement()
          .asString()
          .containsPattern("connection=\"\\d+\"")
          .contains("session=\"" + tsih + "\"");
      server.disk(0).letGo();
      await(disk.session().logout());
    }
  }

  @Test
  void aCommandThatWasAnsweredDoesNotExist() throws Exception {
    try (ServerUnderTest server = new ServerUnderTest(1);
        Wire wire = new Wire(server, options())) {
      Pdu read = Requests.command(0, 5, Cdb.read(0, 1), FINAL | READ, 512);
      wire.send(read);
      wire.send(Requests.taskManagement(1, 0, 6, 5, read.cmdSn()));
      assertThat(Wire.describe(wire.receive())).isEqualTo("data 00");
      assertThat(Wire.describe(wire.receive())).isEqualTo("tmf 01");
      assertThat(wire.saysNow()).isEmpty();
    }
  }

  /** The functions that end all of a unit's commands are alike. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4, 5, 6})
  void aCommandThatFailedAndStillTakesDataIsNotAnswered(int function) throws Exception {
    try (ServerUnderTest server = new ServerUnderTest(1);
        Wire wire = new Wire(server, solicited())) {
      Pdu r2t = wire.startWrite(0, 4096);
      // Out of sequence: it fails, and would be answered after the last of the burst (RFC 7143
      // 7.8).
      wire.send(Wire.dataFor(r2t, 3, 0, 2048, false));
      assertThat(wire.saysNow()).isEmpty();
      wire.send(Requests.taskManagement(function, 0, 6, r2t.taskTag(), wire.cmdSn() - 1));
      assertThat(Wire.describe(wire.receive())).isEqualTo("tmf 00");
      wire.send(Wire.dataFor(r2t, 4, 2048, 2048, true));
      assertThat(wire.saysNow()).isEmpty();
      wire.assertWorks();
    }
  }

  /**
   * The moment in which another thread has taken the command out of its task set, and has not told
   * the session yet.
   */
  private record JustEnding(TaskRouter next) implements TaskRouter {
    @Override
    public Nexus open(InitiatorPort initiator, int portalGroupTag) {
      return next.open(initiator, portalGroupTag);
    }

    @Override
    public void close(Nexus nexus) {
      next.close(nexus);
    }

    @Override
    public void prepare(Task task) {
      next.prepare(task);
    }

    @Override
    public void execute(Task task) {
      next.execute(task);
    }

    @Override
    public void abandon(Task task) {
      next.abandon(task);
    }

    @Override
    public void manage(
        Nexus nexus,
        TaskManagementFunction function,
        long lun,
        int tag,
        Consumer<TaskManagementFunction.Response> done) {
      done.accept(
          function == TaskManagementFunction.ABORT_TASK
              ? TaskManagementFunction.Response.TASK_DOES_NOT_EXIST
              : TaskManagementFunction.Response.COMPLETE);
    }
  }

  @ParameterizedTest
  @CsvSource({"1,tmf 01", "2,tmf 00", "4,tmf 00", "5,tmf 00", "6,tmf 00"})
  void aCommandThatIsJustEndingIsAnsweredFirst(int function, String answer) throws Exception {
    try (ServerUnderTest server = new ServerUnderTest(2, IscsiLimits.DEFAULTS, JustEnding::new);
        Wire wire = new Wire(server, options())) {
      server.disk(0).hold();
      Pdu read = Requests.command(0, 5, Cdb.read(0, 1), FINAL | READ, 512);
      wire.send(read);
      server.disk(0).awaitHeld(1);
      wire.send(Requests.taskManagement(function, 0, 6, 5, read.cmdSn()));
      assertThat(wire.saysNow()).isEmpty();
      server.disk(0).letGo();
      assertThat(Wire.describe(wire.receive())).isEqualTo("data 00");
      assertThat(Wire.describe(wire.receive())).isEqualTo(answer);
      wire.assertWorks();
    }
  }

  // --- thousands ----------------------------------------------------------------------------

  /** What became of a command that was aborted. */
  private enum Outcome {
    ANSWERED_BEFORE,
    NEVER_ANSWERED
  }

  /**
   * Commands end on another thread than the session's while they are aborted there. The initiator
   * drops the session when a response comes for a task that it no longer has.
   */
  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void aRaceOfAbortsAndEnds(long seed) throws Exception {
    SplittableRandom random = new SplittableRandom(seed);
    AtomicBoolean over = new AtomicBoolean();
    Map<Outcome, Integer> outcomes = new EnumMap<>(Outcome.class);
    try (ServerUnderTest server = new ServerUnderTest(1)) {
      Disk disk = await(Disk.open(server.login(seed == 1 ? options() : solicited()), 0));
      server.disk(0).hold();
      Thread device =
          Thread.ofPlatform()
              .start(() -> {
                while (!over.get()) {
                  if (!server.disk(0).releaseOne()) {
                    LockSupport.parkNanos(1_000);
                  }
                }
              });
      try {
        ArrayDeque<PendingCommand> flying = new ArrayDeque<>();
        ArrayDeque<CompletableFuture<Outcome>> ends = new ArrayDeque<>();
        for (int i = 0; i < COMMANDS; i++) {
          flying.add(disk.session().start(command(disk.lunField(), random)));
          while (random.nextInt(3) == 0 && !flying.isEmpty()) {
            PendingCommand one = random.nextBoolean() ? flying.removeLast() : flying.removeFirst();
            ends.add(aborted(disk, one));
          }
          while (flying.size() > MAX_IN_FLIGHT) {
            assertThat(await(flying.removeFirst().response()).status()).isZero();
          }
          while (ends.size() > MAX_IN_FLIGHT) {
            outcomes.merge(await(ends.removeFirst()), 1, Integer::sum);
          }
        }
        while (!ends.isEmpty()) {
          outcomes.merge(await(ends.removeFirst()), 1, Integer::sum);
        }
        for (PendingCommand one : flying) {
          assertThat(await(one.response()).status()).isZero();
        }
        assertThat(await(disk.session().inFlight())).isZero();
      } finally {
        over.set(true);
        device.join();
        server.disk(0).letGo();
      }
      await(disk.session().logout());
    }
    assertThat(outcomes).as("both happen").containsOnlyKeys(Outcome.values());
  }

  private static Command command(long lun, SplittableRandom random) {
    int blocks = 1 + random.nextInt(32);
    int lba = random.nextInt(SECTORS - blocks);
    return switch (random.nextInt(4)) {
      case 0 -> Command.of(lun, Cdb.synchronizeCache());
      case 1 -> Command.out(lun, Cdb.write(lba, blocks, false), ByteBuffer.allocate(blocks * 512));
      default -> Command.in(lun, Cdb.read(lba, blocks), blocks * 512);
    };
  }

  /** Fails unless the answers fit together. */
  private static CompletableFuture<Outcome> aborted(Disk disk, PendingCommand command) {
    return disk.session()
        .abort(command)
        .thenApply(answer -> {
          // On the event loop, before anything that comes after the answer.
          CompletableFuture<Response> response = command.response();
          assertThat(response).isDone();
          if (response.isCompletedExceptionally()) {
            assertThat(response.exceptionNow()).isInstanceOf(TaskAbortedException.class);
            assertThat(answer).isEqualTo(TaskManagement.COMPLETE);
            return Outcome.NEVER_ANSWERED;
          }
          assertThat(response.join().status()).isZero();
          assertThat(answer).isEqualTo(TaskManagement.TASK_DOES_NOT_EXIST);
          return Outcome.ANSWERED_BEFORE;
        });
  }
}
