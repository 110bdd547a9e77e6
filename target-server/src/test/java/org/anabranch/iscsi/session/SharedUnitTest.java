// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Set;
import org.anabranch.block.ThreadScheduler;
import org.anabranch.block.testing.Await;
import org.anabranch.block.testing.TestDevice;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Command;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.Response;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.iscsi.TestTarget;
import org.anabranch.iscsi.login.TargetNode;
import org.anabranch.naming.AccessList;
import org.anabranch.scsi.api.TargetPort;
import org.anabranch.scsi.command.DiskUnit;
import org.anabranch.scsi.data.UnitIdentity;
import org.anabranch.scsi.device.TargetDevice;
import org.anabranch.scsi.unit.LogicalUnit;
import org.anabranch.scsi.unit.UnitProperties;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Two initiators at one target, over the wire: reservations they fight about, units that only one
 * of them sees, a unit that neither may write.
 */
final class SharedUnitTest {
  private static final String NAME = "iqn.2026-11.org.anabranch:shared";
  private static final String ALICE = "iqn.2026-11.org.example:alice";
  private static final String BOB = "iqn.2026-11.org.example:bob";
  private static final int OURS = 0;
  private static final int READ_ONLY = 1;
  private static final int ALICES = 2;
  private static final int BOBS = 3;
  private static final long KEY_A = 0xaaaaL;
  private static final long KEY_B = 0xbbbbL;
  private static final int WRITE_EXCLUSIVE = 1;

  private final ThreadScheduler scheduler = new ThreadScheduler("shared");
  private final TestDevice readOnly = new TestDevice(64);
  private final TestTarget target = new TestTarget();
  private Session alice;
  private Session bob;

  @BeforeEach
  void start() throws Exception {
    TargetDevice device = new TargetDevice(List.of(new TargetPort(NAME, 1, 1)), scheduler);
    device.attach(OURS, unit(OURS, new TestDevice(64), false), name -> true);
    device.attach(READ_ONLY, unit(READ_ONLY, readOnly, true), name -> true);
    device.attach(ALICES, unit(ALICES, new TestDevice(64), false), ALICE::equals);
    device.attach(BOBS, unit(BOBS, new TestDevice(64), false), BOB::equals);
    target.server.put(
        new TargetNode(NAME, null, device, AccessList.EVERYBODY, List.of(), Set.of()));
    alice = login(ALICE);
    bob = login(BOB);
  }

  @AfterEach
  void stop() {
    target.close();
    scheduler.close();
  }

  private LogicalUnit unit(int lun, TestDevice disk, boolean isReadOnly) {
    UnitIdentity identity = UnitIdentity.of(NAME, "disk" + lun);
    return DiskUnit.of(
        disk, new UnitProperties(identity, 512, 512, isReadOnly, false, true), scheduler);
  }

  private Session login(String initiator) throws Exception {
    Session session =
        Initiator.await(
            target.initiator.login(target.portal(), SessionOptions.normal(NAME).as(initiator)),
            TestTarget.SOON.toSeconds());
    for (int lun : new int[] {OURS, READ_ONLY, ALICES, BOBS}) {
      say(session, Command.of(Command.flatLun(lun), Cdb.testUnitReady())); // unit attention
    }
    return session;
  }

  private static String say(Session session, Command command) throws Exception {
    return session.submit(command).get().describe();
  }

  private static String write(Session session, int lun) throws Exception {
    return say(
        session,
        Command.out(Command.flatLun(lun), Cdb.write(0, 1, false), ByteBuffer.wrap(new byte[512])));
  }

  private static String read(Session session, int lun) throws Exception {
    return say(session, Command.in(Command.flatLun(lun), Cdb.read(0, 1), 512));
  }

  private static String reserve(Session session, boolean release) throws Exception {
    return say(
        session, Command.of(OURS, new byte[] {(byte) (release ? 0x17 : 0x16), 0, 0, 0, 0, 0}));
  }

  /** PERSISTENT RESERVE OUT. */
  private static String persist(Session session, int action, int type, long key, long actionKey)
      throws Exception {
    byte[] cdb = {0x5f, (byte) action, (byte) type, 0, 0, 0, 0, 0, 24, 0};
    ByteBuffer list = ByteBuffer.allocate(24).putLong(0, key).putLong(8, actionKey);
    return say(session, Command.out(OURS, cdb, list));
  }

  // --- reservations -------------------------------------------------------------------------

  @Test
  void aReservationShutsTheOtherOutUntilItIsReleased() throws Exception {
    assertThat(reserve(alice, false)).isEqualTo("GOOD");
    assertThat(write(alice, OURS)).isEqualTo("GOOD");
    for (int round = 0; round < 3; round++) {
      assertThat(reserve(bob, false)).isEqualTo("RESERVATION CONFLICT");
      assertThat(read(bob, OURS)).isEqualTo("RESERVATION CONFLICT");
      assertThat(write(bob, OURS)).isEqualTo("RESERVATION CONFLICT");
      assertThat(reserve(bob, true)).as("releases what is not its own").isEqualTo("GOOD");
    }
    assertThat(write(bob, BOBS)).as("another unit").isEqualTo("GOOD");
    assertThat(reserve(alice, true)).isEqualTo("GOOD");
    assertThat(reserve(bob, false)).isEqualTo("GOOD");
    assertThat(read(alice, OURS)).isEqualTo("RESERVATION CONFLICT");
  }

  @Test
  void aReservationEndsWithTheConnectionOfItsHolder() throws Exception {
    assertThat(reserve(alice, false)).isEqualTo("GOOD");
    assertThat(write(bob, OURS)).isEqualTo("RESERVATION CONFLICT");
    alice.connection().reset();
    Await.until("she is missed", () -> target.server.sessionInfos().size() == 1);
    assertThat(write(bob, OURS)).isEqualTo("GOOD");
    assertThat(reserve(login(ALICE), false)).isEqualTo("GOOD");
  }

  @Test
  void aPersistentReservationOutlivesTheConnectionAndIsPreempted() throws Exception {
    assertThat(persist(alice, 0, 0, 0, KEY_A)).isEqualTo("GOOD");
    assertThat(persist(bob, 0, 0, 0, KEY_B)).isEqualTo("GOOD");
    assertThat(persist(alice, 1, WRITE_EXCLUSIVE, KEY_A, 0)).isEqualTo("GOOD");
    assertThat(read(bob, OURS)).isEqualTo("GOOD");
    assertThat(write(bob, OURS)).isEqualTo("RESERVATION CONFLICT");
    assertThat(persist(bob, 1, WRITE_EXCLUSIVE, KEY_B, 0)).isEqualTo("RESERVATION CONFLICT");
    assertThat(persist(bob, 1, WRITE_EXCLUSIVE, KEY_A, 0))
        .as("with a key that is not his")
        .isEqualTo("RESERVATION CONFLICT");

    alice.connection().reset();
    Await.until("she is missed", () -> target.server.sessionInfos().size() == 1);
    assertThat(write(bob, OURS)).isEqualTo("RESERVATION CONFLICT");

    assertThat(persist(bob, 4, WRITE_EXCLUSIVE, KEY_B, KEY_A)).as("preempt").isEqualTo("GOOD");
    assertThat(write(bob, OURS)).isEqualTo("GOOD");
    Session again = login(ALICE);
    assertThat(write(again, OURS)).isEqualTo("RESERVATION CONFLICT");
    assertThat(persist(again, 1, WRITE_EXCLUSIVE, KEY_A, 0))
        .as("her registration is gone")
        .isEqualTo("RESERVATION CONFLICT");
    assertThat(persist(bob, 3, 0, KEY_B, 0)).as("clear").isEqualTo("GOOD");
    assertThat(write(again, OURS)).isEqualTo("GOOD");
  }

  // --- masks and protection -----------------------------------------------------------------

  @Test
  void eachInitiatorSeesItsOwnUnits() throws Exception {
    assertThat(Initiator.await(Disk.reportLuns(alice), 20))
        .containsExactly(OURS, READ_ONLY, ALICES);
    assertThat(Initiator.await(Disk.reportLuns(bob), 20)).containsExactly(OURS, READ_ONLY, BOBS);
    for (Session session : List.of(alice, bob)) {
      int hidden = session == alice ? BOBS : ALICES;
      int own = session == alice ? ALICES : BOBS;
      assertThat(write(session, own)).isEqualTo("GOOD");
      assertThat(write(session, hidden)).contains("ILLEGAL REQUEST").contains("25/00");
      assertThat(read(session, hidden)).contains("25/00");
      Response inquiry =
          session.submit(Command.in(Command.flatLun(hidden), Cdb.inquiry(36), 36)).get();
      assertThat(inquiry.bytes()[0]).as("no unit there").isEqualTo((byte) 0x7f);
    }
  }

  @Test
  void aReadOnlyUnitIsReadOnly() throws Exception {
    readOnly.bytes()[0] = 77;
    for (Session session : List.of(alice, bob)) {
      assertThat(write(session, READ_ONLY)).contains("DATA PROTECT").contains("27/00");
      assertThat(
              say(
                  session,
                  Command.out(Command.flatLun(READ_ONLY), Cdb.unmap(24), Cdb.unmapList(0, 8))))
          .contains("DATA PROTECT");
      Response read =
          session.submit(Command.in(Command.flatLun(READ_ONLY), Cdb.read(0, 1), 512)).get();
      assertThat(read.bytes()[0]).isEqualTo((byte) 77);
      Response mode =
          session
              .submit(Command.in(Command.flatLun(READ_ONLY), Cdb.modeSense6(0x3f, 252), 252))
              .get();
      assertThat(mode.bytes()[2] & 0x80).as("WP").isEqualTo(0x80);
    }
    assertThat(write(alice, OURS)).isEqualTo("GOOD");
  }
}
