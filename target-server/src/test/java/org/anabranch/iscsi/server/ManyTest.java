// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.anabranch.block.ThreadScheduler;
import org.anabranch.block.testing.TestDevice;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Command;
import org.anabranch.initiator.DiscoveredTarget;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.Response;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.iscsi.TestTarget;
import org.anabranch.iscsi.login.TargetNode;
import org.anabranch.iscsi.session.SessionInfo;
import org.anabranch.naming.AccessList;
import org.anabranch.scsi.api.TargetPort;
import org.anabranch.scsi.command.DiskUnit;
import org.anabranch.scsi.data.UnitIdentity;
import org.anabranch.scsi.device.TargetDevice;
import org.anabranch.scsi.unit.LogicalUnit;
import org.anabranch.scsi.unit.UnitProperties;
import org.junit.jupiter.api.Test;

/** Many logical units behind one target, and many targets behind one server. */
final class ManyTest {
  private static final int SECTORS = 64;
  private static final int TARGETS = 64;

  /** 0 to 255 and some beyond, which have another form on the wire (SAM-5 4.7). */
  private static final int[] LUNS =
      IntStream.concat(IntStream.range(0, 256), IntStream.of(256, 300, 4095, 16383)).toArray();

  @Test
  void manyUnitsAreListedAndKeptApart() throws Exception {
    String name = "iqn.2026-11.org.anabranch:many";
    try (TestTarget target = new TestTarget();
        ThreadScheduler scheduler = new ThreadScheduler("many")) {
      TargetDevice device = new TargetDevice(List.of(new TargetPort(name, 1, 1)), scheduler);
      for (int lun : LUNS) {
        UnitProperties properties = UnitProperties.disk(UnitIdentity.of(name, "disk" + lun));
        LogicalUnit unit = DiskUnit.of(new TestDevice(SECTORS), properties, scheduler);
        device.attach(lun, unit, initiator -> true);
      }
      target.server.put(
          new TargetNode(name, null, device, AccessList.EVERYBODY, List.of(), Set.of()));
      Session session =
          Initiator.await(target.initiator.login(target.portal(), SessionOptions.normal(name)), 20);
      assertThat(Initiator.await(Disk.reportLuns(session), 20))
          .containsExactlyElementsOf(IntStream.of(LUNS).boxed().toList());

      for (int lun : LUNS) { // each owes a unit attention to a new nexus
        Response first =
            session.submit(Command.of(Command.flatLun(lun), Cdb.testUnitReady())).get();
        assertThat(first.describe()).as("LUN " + lun).contains("29/");
      }
      List<CompletableFuture<Response>> writes = new ArrayList<>();
      for (int lun : LUNS) {
        writes.add(
            session.submit(
                Command.out(
                    Command.flatLun(lun), Cdb.write(7, 1, false), ByteBuffer.wrap(block(lun)))));
      }
      for (CompletableFuture<Response> write : writes) {
        assertThat(write.get().describe()).isEqualTo("GOOD");
      }
      List<CompletableFuture<Response>> reads = new ArrayList<>();
      for (int lun : LUNS) {
        reads.add(session.submit(Command.in(Command.flatLun(lun), Cdb.read(7, 1), 512)));
      }
      for (int i = 0; i < LUNS.length; i++) {
        assertThat(reads.get(i).get().bytes()).as("LUN " + LUNS[i]).isEqualTo(block(LUNS[i]));
      }
      for (int lun : new int[] {257, 301, 16382}) {
        assertThat(
                session
                    .submit(Command.of(Command.flatLun(lun), Cdb.testUnitReady()))
                    .get()
                    .describe())
            .contains("25/00");
      }
    }
  }

  private static byte[] block(int number) {
    byte[] block = new byte[512];
    Arrays.fill(block, (byte) number);
    block[0] = (byte) (number >> 8);
    return block;
  }

  @Test
  void manyTargetsAreDiscoveredAndLoggedInTo() throws Exception {
    try (TestTarget target =
        new TestTarget(limits ->
            limits.sessions(TARGETS + 1).connections(99).connectionsBeforeLogin(TARGETS))) {
      List<String> names = new ArrayList<>(List.of(TestTarget.NAME));
      for (int i = 1; i < TARGETS; i++) {
        String name = "iqn.2026-11.org.anabranch:many-" + i;
        names.add(name);
        target.server.put(target.node(name, AccessList.EVERYBODY, null, Set.of()));
      }
      // With segments this small the list takes many Text Responses.
      List<DiscoveredTarget> found =
          Initiator.await(
              target.initiator.discover(
                  target.portal(),
                  SessionOptions.discovery().key("MaxRecvDataSegmentLength", "512"),
                  "All"),
              20);
      assertThat(found)
          .filteredOn(one -> !one.addresses().isEmpty())
          .extracting(DiscoveredTarget::name)
          .containsExactlyInAnyOrderElementsOf(names);

      List<CompletableFuture<Session>> logins =
          names.stream()
              .map(name -> target.initiator.login(target.portal(), SessionOptions.normal(name)))
              .toList();
      List<Session> sessions = new ArrayList<>();
      for (CompletableFuture<Session> login : logins) {
        sessions.add(Initiator.await(login, 20));
      }
      assertThat(target.server.sessionInfos())
          .extracting(SessionInfo::target)
          .containsExactlyInAnyOrderElementsOf(names);
      for (Session session : sessions) {
        session.submit(Command.of(0, Cdb.testUnitReady())).get(); // unit attention
        assertThat(TestTarget.read(session, 0, 8).isGood()).isTrue();
        assertThat(Initiator.await(session.logout(), 20)).isZero();
      }
    }
  }
}
