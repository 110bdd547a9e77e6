// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import static org.anabranch.iscsi.ServerUnderTest.SECTORS;
import static org.anabranch.iscsi.ServerUnderTest.TARGET;
import static org.anabranch.iscsi.ServerUnderTest.await;
import static org.anabranch.iscsi.ServerUnderTest.options;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Command;
import org.anabranch.initiator.DiscoveredTarget;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.IscsiException;
import org.anabranch.initiator.PendingCommand;
import org.anabranch.initiator.Response;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.initiator.TaskAbortedException;
import org.anabranch.initiator.TaskManagement;
import org.anabranch.initiator.workload.VerifiedWorkload;
import org.anabranch.initiator.workload.WorkloadOptions;
import org.anabranch.iscsi.ServerUnderTest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Sessions that do what they should: many at once, and ending in every way. */
final class SessionsTest {
  private static final int LUNS = 16;

  private ServerUnderTest server;

  @BeforeEach
  void start() throws Exception {
    server = new ServerUnderTest(LUNS);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  /** Over loopback a target is shown twice: where the initiator is already, and by its address. */
  @Test
  void discovery() throws Exception {
    DiscoveredTarget here = new DiscoveredTarget(TARGET, List.of());
    DiscoveredTarget addressed =
        new DiscoveredTarget(TARGET, List.of("127.0.0.1:" + server.portal().getPort() + ",1"));
    assertThat(await(server.initiator().discover(server.portal())))
        .containsExactly(here, addressed);
    SessionOptions discovery = SessionOptions.discovery();
    assertThat(await(server.initiator().discover(server.portal(), discovery, TARGET)))
        .containsExactly(here, addressed);
    assertThat(await(server.initiator().discover(server.portal(), discovery, TARGET + "x")))
        .isEmpty();
    assertThat(await(server.initiator().discover(server.portal(), options(), "")))
        .containsExactly(here, addressed);
  }

  @Test
  void sixteenSessionsOnSixteenUnits() throws Exception {
    List<Disk> disks = new ArrayList<>();
    List<CompletableFuture<VerifiedWorkload.Report>> runs = new ArrayList<>();
    for (int lun = 0; lun < LUNS; lun++) {
      Disk disk = server.open(lun);
      disks.add(disk);
      assertThat(disk.blocks()).isEqualTo(SECTORS);
      runs.add(
          VerifiedWorkload.on(disk, WorkloadOptions.mixed(lun, SECTORS, 120).mix(50, 5, 2, 5))
              .start());
    }
    for (CompletableFuture<VerifiedWorkload.Report> run : runs) {
      assertThat(run.get().operations()).isEqualTo(120);
    }
    for (Disk disk : disks) {
      assertThat(await(disk.session().logout())).isZero();
    }
  }

  @ParameterizedTest
  @CsvSource({"false,false", "true,false", "false,true", "true,true"})
  void digests(boolean header, boolean data) throws Exception {
    Disk disk = await(Disk.open(server.login(options().digests(header, data)), 0));
    assertThat(disk.session().parameters().headerDigest()).isEqualTo(header);
    assertThat(disk.session().parameters().dataDigest()).isEqualTo(data);
    VerifiedWorkload.on(disk, WorkloadOptions.mixed(4, SECTORS, 150)).run();
    await(disk.session().logout());
  }

  /** Two sessions on one unit: what one has written the other reads. */
  @Test
  void sessionsShareAUnit() throws Exception {
    Disk one = server.open(0);
    Disk two = server.open(0);
    VerifiedWorkload left =
        VerifiedWorkload.on(one, WorkloadOptions.mixed(1, SECTORS, 100).range(0, SECTORS / 2));
    VerifiedWorkload right =
        VerifiedWorkload.on(
            two, WorkloadOptions.mixed(2, SECTORS, 100).range(SECTORS / 2, SECTORS / 2));
    CompletableFuture<VerifiedWorkload.Report> leftRun = left.start();
    right.run();
    leftRun.get();
    ByteBuffer data = ByteBuffer.allocate(512).put(0, (byte) 77);
    await(one.write(SECTORS / 2 - 1, data));
    assertThat(await(two.read(SECTORS / 2 - 1, 1))).isEqualTo(data);
  }

  @Test
  void abortTask() throws Exception {
    Disk disk = server.open(3);
    server.disk(3).hold();
    PendingCommand held = disk.session().start(Command.in(disk.lunField(), Cdb.read(0, 8), 4096));
    server.disk(3).awaitHeld(1);
    CompletableFuture<Integer> aborted = disk.session().abort(held);
    // The answer may wait for the device, but the session does not.
    await(disk.session().ping(new byte[8]));
    server.disk(3).letGo();
    assertThat(await(aborted)).isEqualTo(TaskManagement.COMPLETE);
    assertThatThrownBy(() -> await(held.response())).isInstanceOf(TaskAbortedException.class);
    assertThat(await(disk.session().abort(held)))
        .isIn(TaskManagement.TASK_DOES_NOT_EXIST, TaskManagement.COMPLETE);
    await(disk.read(0, 8));
    await(disk.session().logout());
  }

  @Test
  void lunResetsWhileOthersWork() throws Exception {
    ServerUnderTest.Bystander bystander = server.bystander(0);
    Disk worker = server.open(1);
    VerifiedWorkload workload =
        VerifiedWorkload.on(
            worker,
            WorkloadOptions.mixed(6, SECTORS, 400)
                .tolerating(error -> error instanceof TaskAbortedException));
    CompletableFuture<VerifiedWorkload.Report> run = workload.start();
    int resets = 0;
    while (!run.isDone()) {
      assertThat(
              await(worker.session().manage(TaskManagement.LOGICAL_UNIT_RESET, worker.lunField())))
          .isEqualTo(TaskManagement.COMPLETE);
      resets++;
      // So that some commands come to their end.
      await(worker.session().ping(new byte[0]));
      await(worker.flush().exceptionally(error -> ByteBuffer.allocate(0)));
    }
    run.get();
    assertThat(resets).isPositive();
    bystander.finish();
  }

  /** Another's reset ends a command without a word; the next one is told why. */
  @Test
  void anothersResetIsAUnitAttention() throws Exception {
    Disk disk = server.open(1);
    Session resetter = server.login(options());
    server.disk(1).hold();
    PendingCommand held = disk.session().start(Command.in(disk.lunField(), Cdb.read(0, 8), 4096));
    server.disk(1).awaitHeld(1);
    CompletableFuture<Integer> reset =
        resetter.manage(TaskManagement.LOGICAL_UNIT_RESET, disk.lunField());
    await(resetter.ping(new byte[0]));
    server.disk(1).letGo();
    assertThat(await(reset)).isEqualTo(TaskManagement.COMPLETE);
    Response next = await(disk.session().submit(Command.of(disk.lunField(), Cdb.testUnitReady())));
    assertThat(next.describe()).contains("UNIT ATTENTION").contains("29/");
    assertThat(held.response()).isNotDone();
    assertThat(await(disk.session().abort(held)))
        .isIn(TaskManagement.TASK_DOES_NOT_EXIST, TaskManagement.COMPLETE);
    assertThatThrownBy(() -> await(held.response())).isInstanceOf(TaskAbortedException.class);
    await(disk.read(0, 8));
  }

  @Test
  void managementOfAUnitThatIsNotThere() throws Exception {
    Session session = server.login(options());
    assertThat(await(session.manage(TaskManagement.LOGICAL_UNIT_RESET, Command.flatLun(99))))
        .isEqualTo(TaskManagement.LUN_DOES_NOT_EXIST);
    assertThat(await(session.manage(TaskManagement.TASK_REASSIGN, 0)))
        .isIn(
            TaskManagement.REASSIGNMENT_NOT_SUPPORTED,
            TaskManagement.NOT_SUPPORTED,
            TaskManagement.TASK_DOES_NOT_EXIST);
    await(session.logout());
  }

  @Test
  void logoutDuringAsynchronousWork() throws Exception {
    Disk disk = server.open(2);
    List<CompletableFuture<Response>> reads = new ArrayList<>();
    server.disk(2).hold();
    for (int i = 0; i < 20; i++) {
      reads.add(disk.session().submit(Command.in(disk.lunField(), Cdb.read(i, 8), 4096)));
    }
    server.disk(2).awaitHeld(1);
    CompletableFuture<Integer> logout = disk.session().logout();
    server.disk(2).letGo();
    assertThat(await(logout)).isZero();
    for (CompletableFuture<Response> read : reads) {
      try {
        assertThat(await(read).isGood()).isTrue();
      } catch (IscsiException e) {
        assertThat(e).hasMessageContaining("logged out");
      }
    }
    assertThat(disk.session().connection().awaitClosed(Duration.ofSeconds(30))).isTrue();
    await(server.open(2).read(0, 1));
  }

  @Test
  void reinstatementEndsTheOldSession() throws Exception {
    ServerUnderTest.Bystander bystander = server.bystander(0);
    SessionOptions same = options();
    Disk old = await(Disk.open(server.login(same), 1));
    server.disk(1).hold();
    CompletableFuture<ByteBuffer> lost = old.write(0, ByteBuffer.allocate(512).put(0, (byte) 1));
    server.disk(1).awaitHeld(1);
    CompletableFuture<Session> login = server.initiator().login(server.portal(), same);
    assertThatThrownBy(() -> await(lost)).isInstanceOf(IOException.class);
    server.disk(1).letGo();
    Disk again = await(Disk.open(await(login), 1));
    await(again.write(0, ByteBuffer.allocate(512).put(0, (byte) 2)));
    assertThat(await(again.read(0, 1)).get(0)).isEqualTo((byte) 2);
    assertThat(old.session().connection().awaitClosed(Duration.ofSeconds(30))).isTrue();
    // Another ISID is another session, and disturbs nobody.
    Disk other = server.open(1);
    await(again.flush());
    await(other.flush());
    bystander.finish();
  }

  /**
   * Reconnects with the same name and ISID while commands are in flight; nothing may be mixed up.
   */
  @Test
  void workOverReinstatements() throws Exception {
    SessionOptions same = options();
    List<Disk> opened = new CopyOnWriteArrayList<>();
    VerifiedWorkload workload =
        new VerifiedWorkload(
            () -> {
              Disk disk = await(Disk.open(server.login(same), 5));
              opened.add(disk);
              if (opened.size() < 5) {
                CompletableFuture<Void> _ =
                    disk.session()
                        .ping(new byte[0])
                        .thenRunAsync(() -> disk.session().connection().reset());
              }
              return disk;
            },
            WorkloadOptions.mixed(7, SECTORS, 400));
    assertThat(workload.run().reconnects()).isEqualTo(4);
  }

  @Test
  void residuals() throws Exception {
    Disk disk = server.open(0);
    Session session = disk.session();
    Response shorter = await(session.command(disk.lunField(), Cdb.read(0, 8), null, 512));
    assertThat(shorter.overflow()).isEqualTo(7 * 512);
    assertThat(shorter.data().remaining()).isEqualTo(512);
    Response longer = await(session.command(disk.lunField(), Cdb.read(0, 1), null, 4096));
    assertThat(longer.underflow()).isEqualTo(7 * 512);
    assertThat(longer.data().remaining()).isEqualTo(512);
    Response more =
        await(
            session.command(disk.lunField(), Cdb.write(0, 1, false), ByteBuffer.allocate(4096), 0));
    assertThat(more.underflow()).isEqualTo(7 * 512);
    Response less =
        await(
            session.command(disk.lunField(), Cdb.write(0, 8, false), ByteBuffer.allocate(512), 0));
    assertThat(less.overflow()).isEqualTo(7 * 512);
    await(session.logout());
  }

  /** Far more than the window: everything is answered, and the target's memory bounds the rest. */
  @Test
  void moreWritesThanTheWindow() throws Exception {
    Disk disk = server.open(0);
    List<CompletableFuture<ByteBuffer>> writes = new ArrayList<>();
    ByteBuffer data = ByteBuffer.allocateDirect(256 << 10);
    for (int i = 0; i < 300; i++) {
      writes.add(disk.write(i % 16 * 512L, data));
    }
    for (CompletableFuture<ByteBuffer> write : writes) {
      await(write);
    }
    await(disk.session().logout());
  }
}
