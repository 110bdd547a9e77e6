// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Command;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.Response;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * One volume behind two LUNs of a target, a second target and two portals is one logical unit: a
 * cluster file system can use it by whatever path.
 */
final class OneUnitTest {
  private static final long PATIENCE = 60;
  private static final String ONE = "iqn.2026-11.org.example:one";
  private static final String TWO = "iqn.2026-11.org.example:two";
  private static final String CONFIGURATION =
      """
        portals = ["127.0.0.1:0", "127.0.0.2:0"]
        volumes { v { path = v.img, size = 16 MiB }, w { path = w.img, size = 16 MiB } }
        targets {
          "iqn.2026-11.org.example:one" { luns { 0 = v, 1 { device = v, read-only = true }, 300 = v } }
          "iqn.2026-11.org.example:two" { luns { 0 = v, 1 = w } }
        }
      """;
  private static final String REGISTER_WITH_APTPL =
      "5f 06 00 00 00 00 00 00 18 00|0000000000000000 0000000000000011 00000000 01 000000";
  private static final String RESERVE_EXCLUSIVE_ACCESS =
      "5f 01 03 00 00 00 00 00 18 00|0000000000000011 0000000000000000 00000000 00 000000";
  private static final String READ_FULL_STATUS = "5e 03 00 00 00 00 00 01 00 00";

  /** One way to the volume. */
  private record Way(Session session, long lun) {
    Response send(Command command) throws Exception {
      return Initiator.await(session.submit(command), PATIENCE);
    }

    String say(String cdbAndData) throws Exception {
      return answer(cdbAndData).describe();
    }

    Response answer(String cdbAndData) throws Exception {
      String[] parts = cdbAndData.replace(" ", "").split("\\|", -1);
      byte[] cdb = HexFormat.of().parseHex(parts[0]);
      return send(
          parts.length > 1
              ? Command.out(lun, cdb, ByteBuffer.wrap(HexFormat.of().parseHex(parts[1])))
              : Command.in(lun, cdb, 256));
    }

    byte[] read() throws Exception {
      return send(Command.in(lun, Cdb.read(8, 1), 512)).bytes();
    }

    String write(byte[] block) throws Exception {
      return send(Command.out(lun, Cdb.write(8, 1, false), ByteBuffer.wrap(block))).describe();
    }
  }

  @TempDir Path folder;

  private static Way way(
      Initiator initiator, ServerProcess server, int portal, String target, int lun, String host)
      throws Exception {
    String[] portals =
        server.readyLine().substring("anabranch: ready, portals ".length()).split("[ ,]+", -1);
    Session session =
        Initiator.await(
            initiator.login(
                Site.address(portals[portal]),
                SessionOptions.normal(target).as("iqn.2026-11.org.example:" + host).isid(1)),
            PATIENCE);
    Way way = new Way(session, Command.flatLun(lun));
    way.say("00 00 00 00 00 00"); // the unit attention of a new nexus
    return way;
  }

  private static List<Way> ways(Initiator initiator, ServerProcess server) throws Exception {
    return List.of(
        way(initiator, server, 0, ONE, 0, "a"),
        way(initiator, server, 1, ONE, 300, "b"),
        way(initiator, server, 0, TWO, 0, "c"),
        way(initiator, server, 1, TWO, 0, "d"));
  }

  private static int count(Way way, int increments) throws Exception {
    int done = 0;
    while (done < increments) {
      byte[] old = way.read();
      byte[] both = Arrays.copyOf(old, 1024);
      ByteBuffer.wrap(both).putInt(512, ByteBuffer.wrap(old).getInt(0) + 1);
      byte[] cdb = new byte[16];
      cdb[0] = (byte) 0x89; // COMPARE AND WRITE
      cdb[9] = 8;
      cdb[13] = 1;
      String said = way.send(Command.out(way.lun, cdb, ByteBuffer.wrap(both))).describe();
      if (said.equals("GOOD")) {
        done++;
      } else {
        assertThat(said).contains("MISCOMPARE");
      }
    }
    return done;
  }

  @Test
  void compareAndWriteByFourWaysLosesNoUpdate() throws Exception {
    try (Initiator initiator = new Initiator();
        ServerProcess server = new Site(folder).serve(CONFIGURATION)) {
      List<Way> ways = ways(initiator, server);
      List<CompletableFuture<Integer>> counts = new ArrayList<>();
      for (Way way : ways) {
        counts.add(
            CompletableFuture.supplyAsync(
                () -> {
                  try {
                    return count(way, 100);
                  } catch (Exception e) {
                    throw new AssertionError(e);
                  }
                },
                runnable -> Thread.ofPlatform().daemon().start(runnable)));
      }
      int done = 0;
      for (CompletableFuture<Integer> each : counts) {
        done += Initiator.await(each, PATIENCE);
      }
      assertThat(ByteBuffer.wrap(ways.getFirst().read()).getInt(0)).isEqualTo(done).isEqualTo(400);
    }
  }

  @Test
  void aReservationOfOneTargetHoldsOnTheOtherOverARestart() throws Exception {
    Site site = new Site(folder);
    byte[] block = new byte[512];
    try (Initiator initiator = new Initiator()) {
      try (ServerProcess server = site.serve(CONFIGURATION)) {
        List<Way> ways = ways(initiator, server);
        Way holder = ways.get(2);
        assertThat(holder.say(REGISTER_WITH_APTPL)).isEqualTo("GOOD");
        assertThat(holder.say(RESERVE_EXCLUSIVE_ACCESS)).isEqualTo("GOOD");
        assertThat(holder.write(block)).isEqualTo("GOOD");
        for (int other : new int[] {0, 1, 3}) {
          assertThat(ways.get(other).write(block)).isEqualTo("RESERVATION CONFLICT");
        }
        server.process().destroyForcibly();
        server.await();
      }
      try (ServerProcess server = site.serve(CONFIGURATION)) {
        List<Way> ways = ways(initiator, server);
        for (int other : new int[] {0, 1, 3}) {
          assertThat(ways.get(other).write(block)).isEqualTo("RESERVATION CONFLICT");
        }
        assertThat(ways.get(2).write(block)).isEqualTo("GOOD");
        byte[] status = ways.get(0).answer(READ_FULL_STATUS).bytes();
        assertThat(status[8 + 19]).as("relative port of the second target").isEqualTo((byte) 2);
        assertThat(new String(status, 8 + 24 + 4, 26, java.nio.charset.StandardCharsets.US_ASCII))
            .isEqualTo("iqn.2026-11.org.example:c,");
        Way another = way(initiator, server, 0, TWO, 1, "a");
        assertThat(another.write(block)).as("another volume").isEqualTo("GOOD");
        assertThat(server.terminate()).isZero();
      }
    }
  }

  @Test
  void identityIsTheVolumesAndWriteProtectionThePaths() throws Exception {
    try (Initiator initiator = new Initiator();
        ServerProcess server = new Site(folder).serve(CONFIGURATION)) {
      Way one = way(initiator, server, 0, ONE, 0, "a");
      Way two = way(initiator, server, 0, TWO, 0, "a");
      Way readOnly = new Way(one.session, Command.flatLun(1));
      String serial = "12 01 80 00 ff 00";
      assertThat(one.answer(serial).bytes())
          .isEqualTo(two.answer(serial).bytes())
          .isEqualTo(readOnly.answer(serial).bytes())
          .isNotEqualTo(new Way(two.session, Command.flatLun(1)).answer(serial).bytes());
      assertThat(readOnly.write(new byte[512])).contains("DATA PROTECT");
      assertThat(one.write(new byte[512])).isEqualTo("GOOD");
      assertThat(server.terminate()).isZero();
    }
  }
}
