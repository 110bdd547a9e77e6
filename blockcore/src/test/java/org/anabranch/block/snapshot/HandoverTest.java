// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.dm.SuspendMode;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.testing.TestDevice;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A store passes from one table to another while it is used; each wrong order is refused. */
final class HandoverTest {
  private static final String SNAPSHOT = "0 2048 snapshot origin cow P 8";
  private static final String MERGE = "0 2048 snapshot-merge origin cow P 8";

  private final Bench bench = new Bench();
  private final TestDevice origin = new TestDevice("origin", 2048).pattern('O');
  private final TestDevice cow = new TestDevice("cow", 1024);

  @BeforeEach
  void devices() {
    bench.add(origin, cow, new TestDevice("cow2", 1024));
  }

  private void refused(String name, String table, String words) {
    assertThatThrownBy(() -> bench.await(bench.mapper.load(name, table)))
        .isInstanceOf(TableException.class)
        .hasMessageEndingWith(words);
  }

  private void resumeRefused(String name, String words) {
    assertThatThrownBy(() -> bench.await(bench.mapper.resume(name)))
        .isInstanceOf(TableException.class)
        .hasMessage(words);
  }

  private void verb(java.util.concurrent.CompletionStage<?> stage) throws TableException {
    bench.await(stage);
  }

  @Test
  void rightOrderWithRequestsInFlight() throws TableException {
    BlockDevice s = bench.create("s", SNAPSHOT);
    BlockDevice o = bench.create("o", "0 2048 snapshot-origin origin");
    bench.put(s, 'S', 24, 8);
    byte[] view = bench.view(s);
    bench.create("n", "0 8 zero");
    verb(bench.mapper.load("n", SNAPSHOT));

    // The origin is written all the time; here the copy for one write is under way.
    cow.hold(io -> io.op() == Io.Op.WRITE && io.sector() >= 16);
    Bench.Outcome write = bench.put(o, 'W', 800, 8);
    verb(bench.mapper.suspend("s", SuspendMode.FLUSH));
    verb(bench.mapper.resume("n"));
    BlockDevice n = bench.mapper.device("n");
    assertThat(write.done).isFalse();
    cow.hold(io -> false);
    cow.release();
    bench.scheduler.runToQuiescence();
    assertThat(write.good()).isTrue();
    assertThat(bench.view(n)).isEqualTo(view);
    assertThat(bench.mapper.status("n")).isEqualTo("0 2048 snapshot 32/1024 16");

    verb(bench.mapper.resume("s"));
    assertThat(bench.read(s, 0, ByteBuffer.allocateDirect(512)).good()).isFalse();
    assertThat(bench.put(s, 'S', 0, 8).good()).isFalse();
    bench.remove("s");
    assertThat(bench.put(n, 'S', 0, 8).good()).isTrue();
    assertThat(bench.mapper.status("n")).isEqualTo("0 2048 snapshot 40/1024 16");
  }

  @Test
  void reloadOfOneDevice() throws TableException {
    BlockDevice s = bench.create("s", SNAPSHOT);
    bench.put(s, 'S', 24, 8);
    byte[] view = bench.view(s);
    verb(bench.mapper.reload("s", "0 2048 snapshot origin cow P 8 1 discard_zeroes_cow"));
    assertThat(bench.view(s)).isEqualTo(view);
    assertThat(bench.mapper.table("s")).endsWith("P 8 1 discard_zeroes_cow");
  }

  /** The origin is written between the two halves of a resume: another row refused the second. */
  @Test
  void resumeThatFailsHalfWay() throws TableException {
    BlockDevice o = bench.create("o", "0 2048 snapshot-origin origin");
    bench.create("s", SNAPSHOT);
    bench.create("t", "0 2048 snapshot origin cow2 P 8");
    byte[] view = bench.view(bench.mapper.device("s"));
    verb(bench.mapper.create("n"));
    String rows = "0 1024 snapshot origin cow P 8\n1024 1024 snapshot origin cow2 P 8";
    verb(bench.mapper.load("n", rows));
    verb(bench.mapper.suspend("s", SuspendMode.FLUSH));
    resumeRefused("n", "Unable to perform snapshot handover until source is suspended.");
    bench.remove("s");

    assertThat(bench.put(o, 'W', 80, 8).good()).isTrue();
    verb(bench.mapper.suspend("t", SuspendMode.FLUSH));
    verb(bench.mapper.resume("n"));
    assertThat(bench.view(bench.mapper.device("n"))).isEqualTo(view);
  }

  @Test
  void storeOfOneWhoseResumeFailed() throws TableException {
    bench.create("s", SNAPSHOT);
    bench.create("t", "0 2048 snapshot origin cow2 P 8");
    byte[] view = bench.view(bench.mapper.device("s"));
    String rows = "0 1024 snapshot origin cow P 8\n1024 1024 snapshot origin cow2 P 8";
    verb(bench.mapper.load("s", rows));
    resumeRefused("s", "Unable to perform snapshot handover until source is suspended.");
    BlockDevice o = bench.create("o", "0 2048 snapshot-origin origin");
    assertThat(bench.put(o, 'W', 80, 8).good()).isTrue();

    verb(bench.mapper.reload("s", SNAPSHOT));
    assertThat(bench.view(bench.mapper.device("s"))).isEqualTo(view);
  }

  @Test
  void destinationsTableSaysWhatBecomesOfAFullStore() throws TableException {
    bench.add(new TestDevice("small", 24));
    bench.create("s", "0 2048 snapshot origin small P 8");
    verb(bench.mapper.reload("s", "0 2048 snapshot origin small PO 8"));
    assertThat(bench.mapper.table("s")).isEqualTo("0 2048 snapshot origin small PO 8");
    BlockDevice s = bench.mapper.device("s");
    assertThat(bench.put(s, 'S', 0, 8).good()).isTrue();
    assertThat(bench.put(s, 'S', 80, 8).good()).isFalse();
    assertThat(bench.mapper.status("s")).isEqualTo("0 2048 snapshot Overflow");

    verb(bench.mapper.reload("s", "0 2048 snapshot origin small P 8"));
    assertThat(bench.mapper.table("s")).isEqualTo("0 2048 snapshot origin small P 8");
  }

  @Test
  void destinationBeforeTheSourceIsSuspended() throws TableException {
    BlockDevice s = bench.create("s", SNAPSHOT);
    verb(bench.mapper.create("n"));
    verb(bench.mapper.load("n", SNAPSHOT));
    resumeRefused("n", "Unable to perform snapshot handover until source is suspended.");
    assertThat(bench.put(s, 'S', 24, 8).good()).isTrue();
    // It waits, and can be resumed when the time has come.
    assertThat(bench.mapper.table("n")).isEqualTo("0 2048 snapshot origin cow P 0");
    verb(bench.mapper.suspend("s", SuspendMode.FLUSH));
    verb(bench.mapper.resume("n"));
    assertThat(bench.mapper.status("n")).isEqualTo("0 2048 snapshot 24/1024 16");
  }

  @Test
  void sourceBeforeTheHandoverIsDone() throws TableException {
    BlockDevice s = bench.create("s", SNAPSHOT);
    verb(bench.mapper.create("n"));
    verb(bench.mapper.load("n", SNAPSHOT));
    verb(bench.mapper.suspend("s", SuspendMode.FLUSH));
    resumeRefused("s", "Unable to resume snapshot source until handover completes.");
    verb(bench.mapper.clear("n"));
    verb(bench.mapper.resume("s"));
    assertThat(bench.put(s, 'S', 24, 8).good()).isTrue();
  }

  @Test
  void sourceIsRemovedFirst() throws TableException {
    bench.create("s", SNAPSHOT);
    verb(bench.mapper.create("n"));
    verb(bench.mapper.load("n", SNAPSHOT));
    bench.remove("s");
    verb(bench.mapper.resume("n"));
    assertThat(bench.mapper.status("n")).isEqualTo("0 2048 snapshot Invalid");
    assertThat(bench.put(bench.mapper.device("n"), 'S', 0, 8).good()).isFalse();
  }

  @Test
  void sourceOfAMergeIsRemovedFirst() throws TableException {
    BlockDevice s = bench.create("s", SNAPSHOT);
    bench.create("s2", "0 2048 snapshot origin cow2 P 8");
    bench.put(s, 'S', 24, 8);
    byte[] view = bench.view(bench.mapper.device("s2"));
    verb(bench.mapper.create("m"));
    verb(bench.mapper.load("m", MERGE));
    bench.remove("s");
    verb(bench.mapper.resume("m"));
    BlockDevice m = bench.mapper.device("m");
    assertThat(bench.mapper.status("m")).isEqualTo("0 2048 snapshot-merge Invalid");
    assertThat(bench.put(m, 'X', 24, 8).good()).isTrue();
    Bench.Outcome flush = new Bench.Outcome();
    assertThat(bench.run(m, Io.flush(flush::end), flush).good()).isTrue();
    assertThat(bench.view(m)).isEqualTo(origin.bytes());
    assertThat(bench.view(bench.mapper.device("s2"))).isEqualTo(view);
  }

  @Test
  void threeAtOneStore() throws TableException {
    bench.create("s", SNAPSHOT);
    verb(bench.mapper.create("n"));
    verb(bench.mapper.load("n", SNAPSHOT));
    bench.await(bench.mapper.create("third"));
    refused("third", SNAPSHOT, "Snapshot cow pairing for exception table handover failed");
    refused("third", MERGE, "Snapshot cow pairing for exception table handover failed");
  }

  @Test
  void storeOfOneThatWasNeverResumed() throws TableException {
    verb(bench.mapper.create("s"));
    verb(bench.mapper.load("s", SNAPSHOT));
    verb(bench.mapper.create("n"));
    refused("n", SNAPSHOT, "Snapshot cow pairing for exception table handover failed");
  }

  @Test
  void onlyOneMerge() throws TableException {
    bench.create("m", MERGE);
    verb(bench.mapper.create("n"));
    refused("n", "0 2048 snapshot-merge origin cow2 P 8", "A snapshot is already merging.");
    refused("n", MERGE, "A snapshot is already merging.");
    bench.create("s2", "0 2048 snapshot origin cow2 P 8");
    refused("n", "0 2048 snapshot-merge origin cow2 P 8", "A snapshot is already merging.");
    bench.remove("m");
    verb(bench.mapper.load("n", "0 2048 snapshot-merge origin cow2 P 8"));
  }

  @Test
  void transientStoreToAMerge() throws TableException {
    bench.create("s", "0 2048 snapshot origin cow N 8");
    verb(bench.mapper.create("m"));
    refused("m", MERGE, "Snapshot exception store does not support snapshot-merge.");
  }

  @Test
  void storeOfAnotherOrigin() throws TableException {
    bench.add(new TestDevice("other", 2048));
    bench.create("s", SNAPSHOT);
    verb(bench.mapper.create("n"));
    refused("n", "0 2048 snapshot other cow P 8", "COW device cow belongs to origin origin");
    bench.remove("s");
    verb(bench.mapper.load("n", "0 2048 snapshot other cow P 8"));
  }

  @Test
  void rollbackWhileTheOriginIsInUse() throws TableException {
    BlockDevice s = bench.create("s", SNAPSHOT);
    BlockDevice o = bench.create("o", "0 2048 snapshot-origin origin");
    bench.put(s, 'S', 24, 40);
    bench.put(o, 'W', 400, 24);
    byte[] view = bench.view(s);
    List<Bench.Outcome> outcomes = new ArrayList<>();
    verb(bench.mapper.suspend("o", SuspendMode.FLUSH));
    verb(bench.mapper.load("o", MERGE));
    Bench.Outcome waits = new Bench.Outcome();
    o.submit(Io.write(1600, Bench.pattern('X', 1600, 8), false, waits::end));
    outcomes.add(waits);
    verb(bench.mapper.suspend("s", SuspendMode.FLUSH));
    verb(bench.mapper.resume("o"));
    bench.scheduler.runToQuiescence();
    assertThat(outcomes).allMatch(Bench.Outcome::good);
    bench.remove("s");
    Bench.pattern('X', 1600, 8).get(0, view, 1600 * 512, 4096);
    assertThat(bench.view(o)).isEqualTo(view);
    assertThat(origin.bytes()).isEqualTo(view);
    assertThat(bench.mapper.status("o")).isEqualTo("0 2048 snapshot-merge 16/1024 16");
  }
}
