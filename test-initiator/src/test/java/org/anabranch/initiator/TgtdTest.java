// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.anabranch.initiator.workload.VerificationException;
import org.anabranch.initiator.workload.VerifiedWorkload;
import org.anabranch.initiator.workload.WorkloadOptions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Our initiator against a target that nobody here wrote. */
final class TgtdTest {
  private static final int LUN = 1;
  private static final int MIB = 1 << 20;
  private static final int BYTES = 16 * MIB;

  @TempDir static Path directory;
  private static Tgtd tgtd;
  private static Initiator initiator;

  @BeforeAll
  static void start() throws Exception {
    tgtd = Tgtd.start(directory, BYTES);
    initiator = new Initiator();
  }

  @AfterAll
  static void stop() {
    if (tgtd != null) {
      initiator.close();
      tgtd.close();
    }
  }

  @BeforeEach
  void blank() throws Exception {
    try (RandomAccessFile file = new RandomAccessFile(tgtd.file().toFile(), "rw")) {
      file.setLength(0);
      file.setLength(BYTES);
    }
  }

  private static SessionOptions options() {
    // tgt counts no R2T in ExpDataSN.
    return SessionOptions.normal(Tgtd.TARGET).expDataSnUnchecked();
  }

  private static <T> T await(CompletableFuture<T> future) throws Exception {
    return Initiator.await(future, 20);
  }

  private static Session login(SessionOptions options) throws Exception {
    return await(initiator.login(tgtd.portal(), options));
  }

  private static Disk disk(SessionOptions options) throws Exception {
    return await(Disk.open(login(options), LUN));
  }

  private static ByteBuffer random(int bytes, int seed) {
    byte[] data = new byte[bytes];
    new Random(seed).nextBytes(data);
    return ByteBuffer.wrap(data);
  }

  @Test
  void discovers() throws Exception {
    assertThat(await(initiator.discover(tgtd.portal())))
        .containsExactly(
            new DiscoveredTarget(
                Tgtd.TARGET, List.of("127.0.0.1:" + tgtd.portal().getPort() + ",1")));
  }

  @Test
  void opensADisk() throws Exception {
    Disk disk = disk(options());
    assertThat(disk.blocks()).isEqualTo(BYTES / 512);
    assertThat(disk.product()).startsWith("IET VIRTUAL-DISK");
    assertThat(await(Disk.reportLuns(disk.session()))).containsExactly(0, LUN);
    assertThat(await(disk.inquiry(0x80)).get(1)).isEqualTo((byte) 0x80);
    assertThat(await(disk.session().logout())).isZero();
    assertThat(disk.session().connection().awaitClosed(Duration.ofSeconds(10))).isTrue();
  }

  /** What the target's own file holds afterwards is what was written. */
  @ParameterizedTest
  @CsvSource({"Yes,Yes,8192", "Yes,No,8192", "No,Yes,8192", "No,No,8192", "No,Yes,262144"})
  void everyWayOfSendingData(String initialR2t, String immediate, String segment) throws Exception {
    Disk disk =
        disk(
            options()
                .key("InitialR2T", initialR2t)
                .key("ImmediateData", immediate)
                .key("MaxRecvDataSegmentLength", segment)
                .key("FirstBurstLength", "16384")
                .key("MaxBurstLength", "65536"));
    Parameters agreed = disk.session().parameters();
    assertThat(agreed.initialR2t()).isEqualTo(initialR2t.equals("Yes"));
    assertThat(agreed.immediateData()).isEqualTo(immediate.equals("Yes"));
    assertThat(agreed.firstBurst()).isEqualTo(16384);
    int at = 0;
    ByteBuffer expected = ByteBuffer.allocate(3 * MIB);
    for (int bytes : new int[] {512, 8192, 8704, 16384, 16896, 65536, 66048, MIB}) {
      ByteBuffer data = random(bytes, bytes);
      await(disk.write(at / 512, data));
      assertThat(await(disk.read(at / 512, bytes / 512))).isEqualTo(data);
      expected.put(at, data, 0, bytes);
      at += bytes;
    }
    byte[] file = new byte[at];
    try (RandomAccessFile backing = new RandomAccessFile(tgtd.file().toFile(), "r")) {
      backing.readFully(file);
    }
    assertThat(ByteBuffer.wrap(file)).isEqualTo(expected.slice(0, at));
    await(disk.session().logout());
  }

  @ParameterizedTest
  @CsvSource({"false,false", "true,false", "false,true", "true,true"})
  void verifiedWork(boolean headerDigest, boolean dataDigest) throws Exception {
    Disk disk = disk(options().digests(headerDigest, dataDigest));
    assertThat(disk.session().parameters().headerDigest()).isEqualTo(headerDigest);
    assertThat(disk.session().parameters().dataDigest()).isEqualTo(dataDigest);
    VerifiedWorkload.Report report =
        VerifiedWorkload.on(disk, WorkloadOptions.mixed(1, BYTES / 512, 300)).run();
    assertThat(report.operations()).isEqualTo(300);
    assertThat(report.reads()).isPositive();
    assertThat(report.writes()).isPositive();
    assertThat(report.flushes()).isPositive();
    await(disk.session().logout());
  }

  /** The checker finds what it is there to find: one byte changed behind the target's back. */
  @Test
  void aChangedByteIsFound() throws Exception {
    Disk disk = disk(options());
    VerifiedWorkload workload =
        VerifiedWorkload.on(disk, WorkloadOptions.mixed(2, BYTES / 512, 100));
    workload.run();
    try (RandomAccessFile backing = new RandomAccessFile(tgtd.file().toFile(), "rw")) {
      backing.seek(MIB + 100);
      int old = backing.read();
      backing.seek(MIB + 100);
      backing.write(old ^ 1);
    }
    assertThatThrownBy(workload::verifyAll)
        .isInstanceOf(VerificationException.class)
        .hasMessageContaining("at sector " + MIB / 512)
        .hasMessageContaining("seed 2");
    await(disk.session().logout());
  }

  @Test
  void workGoesOnOverDroppedConnections() throws Exception {
    SessionOptions same = options();
    List<Disk> opened = new CopyOnWriteArrayList<>();
    VerifiedWorkload workload =
        new VerifiedWorkload(
            () -> {
              try {
                Disk disk = disk(same);
                opened.add(disk);
                // The next one is on its way while commands of this one are in the target.
                if (opened.size() < 4) {
                  CompletableFuture<Void> _ =
                      disk.session()
                          .ping(new byte[0])
                          .thenRunAsync(() -> disk.session().connection().reset());
                }
                return disk;
              } catch (java.io.IOException | InterruptedException e) {
                throw e;
              } catch (Exception e) {
                throw new IscsiException("can't open", e);
              }
            },
            WorkloadOptions.mixed(3, BYTES / 512, 400));
    VerifiedWorkload.Report report = workload.run();
    assertThat(report.reconnects()).isEqualTo(3);
    await(opened.getLast().session().logout());
  }

  @Test
  void chap() throws Exception {
    tgtd.admin("--op new --mode account --user joe --password secret-of-joe");
    tgtd.admin("--op bind --mode account --tid 1 --user joe");
    tgtd.admin("--op new --mode account --user tgt --password secret-of-tgt");
    tgtd.admin("--op bind --mode account --tid 1 --user tgt --outgoing");
    try {
      ChapCredentials joe = ChapCredentials.of("joe", "secret-of-joe", Chap.SHA1, Chap.MD5);
      for (ChapCredentials good :
          List.of(
              joe,
              ChapCredentials.of("joe", "secret-of-joe", Chap.MD5),
              joe.mutual("tgt", "secret-of-tgt"))) {
        await(login(options().chap(good)).logout());
      }
      assertThatThrownBy(
              () -> login(options().chap(ChapCredentials.of("joe", "secret-of-jim", Chap.MD5))))
          .isInstanceOf(LoginException.class)
          .hasMessageContaining("0x0201");
      assertThatThrownBy(() -> login(options())).isInstanceOf(LoginException.class);
      assertThatThrownBy(() -> login(options().chap(joe.mutual("tgt", "another-secret"))))
          .isInstanceOf(IscsiException.class)
          .hasMessageContaining("did not prove");
    } finally {
      tgtd.admin("--op unbind --mode account --tid 1 --user joe");
      tgtd.admin("--op unbind --mode account --tid 1 --user tgt --outgoing");
    }
  }

  @Test
  void errorsComeInWords() throws Exception {
    Disk disk = disk(options());
    assertThatThrownBy(() -> await(disk.read(BYTES / 512, 1)))
        .isInstanceOf(ScsiException.class)
        .hasMessageContaining("ILLEGAL REQUEST, logical block address out of range (21/00)");
    assertThatThrownBy(() -> login(SessionOptions.normal("iqn.2026-11.org.anabranch:none")))
        .isInstanceOf(LoginException.class)
        .hasMessageContaining("not found");
    await(disk.session().logout());
    assertThatThrownBy(() -> await(disk.flush()))
        .isInstanceOf(IscsiException.class)
        .message()
        .containsAnyOf("logged out", "connection closed"); // whichever comes first
  }

  @Test
  void residuals() throws Exception {
    Disk disk = disk(options());
    Response shorter = await(disk.session().command(disk.lunField(), Cdb.read(0, 8), null, 512));
    assertThat(shorter.overflow()).isEqualTo(7 * 512);
    assertThat(shorter.data().remaining()).isEqualTo(512);
    Response longer = await(disk.session().command(disk.lunField(), Cdb.read(0, 1), null, 4096));
    assertThat(longer.underflow()).isEqualTo(7 * 512);
    assertThat(longer.data().remaining()).isEqualTo(512);
    await(disk.session().logout());
  }

  @Test
  void pingsManagesAndHearsOfUnitAttentions() throws Exception {
    List<Sense> heard = new CopyOnWriteArrayList<>();
    SessionListener listener =
        new SessionListener() {
          @Override
          public void unitAttention(Session session, long lun, Sense sense) {
            heard.add(sense);
          }
        };
    Session session = await(initiator.login(tgtd.portal(), options(), listener));
    Disk disk = await(Disk.open(session, LUN));
    assertThat(heard).isNotEmpty();
    heard.clear();
    assertThat(await(session.ping(new byte[] {1, 2, 3}))).containsExactly(1, 2, 3);
    assertThat(await(session.manage(TaskManagement.LOGICAL_UNIT_RESET, disk.lunField()))).isZero();
    await(disk.flush());
    assertThat(heard).extracting(Sense::key).containsExactly(Sense.UNIT_ATTENTION);
    PendingCommand over = session.start(Command.of(disk.lunField(), Cdb.testUnitReady()));
    await(over.response());
    assertThat(await(session.abort(over))).isEqualTo(TaskManagement.TASK_DOES_NOT_EXIST);
    await(session.logout());
  }

  /** More commands than any target's window: they wait, and all are answered. */
  @Test
  void theWindowIsKept() throws Exception {
    Disk disk = disk(options());
    List<CompletableFuture<ByteBuffer>> reads = new ArrayList<>();
    for (int i = 0; i < 2000; i++) {
      reads.add(disk.read(i, 1));
    }
    for (CompletableFuture<ByteBuffer> read : reads) {
      assertThat(await(read).remaining()).isEqualTo(512);
    }
    await(disk.session().logout());
  }
}
