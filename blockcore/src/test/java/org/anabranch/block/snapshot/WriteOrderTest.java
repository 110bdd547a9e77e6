// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.testing.TestDevice;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The order and the flags of writes. Where Linux's order, as recorded with dm-log-writes, is as
 * strong as ours, it is the same; where it is weaker (a new store) or costs a flush for each run (a
 * merge), the rule is tested instead.
 */
final class WriteOrderTest {
  private final Bench bench = new Bench();
  private final TestDevice origin = new TestDevice("origin", 2048).pattern('O');
  private final TestDevice cow = new TestDevice("cow", 1024);

  @BeforeEach
  void devices() {
    bench.add(origin, cow);
  }

  /** What Linux wrote to a device between two marks of its log. */
  private static List<String> recorded(String device, String mark) {
    List<String> entries = new ArrayList<>();
    String log = Golden.text("dm-write-order.txt");
    log = log.substring(log.indexOf(device + " log:"));
    log = log.substring(log.indexOf("-- mark " + mark + "\n"));
    log = log.substring(log.indexOf('\n') + 1);
    Pattern entry = Pattern.compile("^ +\\d+ sector +(\\d+) \\+(\\d+) +(\\S+) .*");
    for (String line : log.lines().takeWhile(line -> !line.contains("-- mark")).toList()) {
      Matcher matcher = entry.matcher(line);
      assertThat(matcher.matches()).as(line).isTrue();
      String range = matcher.group(1) + "+" + matcher.group(2);
      switch (matcher.group(3)) {
        case "-" -> entries.add("WRITE " + range);
        case "FUA" -> entries.add("WRITE FUA " + range);
        default -> entries.add("FLUSH 0+0");
      }
    }
    return entries;
  }

  private List<String> changes(TestDevice device) {
    List<String> changes =
        device.log().stream()
            .filter(io -> !io.startsWith("READ") && !io.startsWith("BLOCK_STATUS"))
            .toList();
    device.clearLog();
    return changes;
  }

  @Test
  void writesAsLinuxDoes() throws TableException {
    BlockDevice s = bench.create("s", "0 2048 snapshot origin cow P 8");
    BlockDevice o = bench.create("o", "0 2048 snapshot-origin origin");
    changes(cow);
    bench.put(s, 'S', 24, 8);
    List<String> s3 = recorded("cow", "S3");
    assertThat(changes(cow)).isEqualTo(s3.subList(2, s3.size())); // the new store is logged late
    bench.put(s, 'S', 24, 8);
    bench.put(s, 'S', 403, 1);
    List<String> partial = new ArrayList<>(recorded("cow", "S403partial"));
    partial.add(1 + partial.indexOf("WRITE FUA 8+8"), recorded("cow", "W5").getFirst());
    assertThat(changes(cow)).isEqualTo(partial);

    bench.put(o, 'W', 40, 8);
    List<String> w5 = recorded("cow", "W5");
    assertThat(changes(cow)).isEqualTo(w5.subList(1, w5.size())); // the first is logged late
    assertThat(changes(origin)).containsExactly("WRITE 40+8");
    bench.put(o, 'W', 40, 8);
    assertThat(changes(cow)).isEmpty();
    assertThat(changes(origin)).containsExactly("WRITE 40+8");

    bench.put(s, 'S', 160, 16);
    // One write of two chunks instead of two of one.
    assertThat(changes(cow)).containsExactly("WRITE 40+16", "FLUSH 0+0", "WRITE FUA 8+8");
    bench.put(s, 'S', 240, 8);
    Bench.Outcome flushed = new Bench.Outcome();
    bench.run(s, Io.flush(flushed::end), flushed);
    assertThat(flushed.good()).isTrue();
    assertThat(changes(cow)).isEqualTo(recorded("cow", "fsync"));
  }

  @Test
  void newStoreHasItsAreaBeforeItsHeader() throws TableException {
    java.util.Arrays.fill(cow.bytes(), 512, cow.bytes().length, (byte) 0xFF); // old rubbish
    bench.create("s", "0 2048 snapshot origin cow P 8");
    assertThat(changes(cow)).containsExactly("FLUSH 0+0", "WRITE FUA 8+8", "WRITE FUA 0+8");
    List<String> create = recorded("cow", "S3").subList(0, 2); // Linux's, the other way round
    assertThat(create).containsExactly("WRITE 0+8", "WRITE 8+8");
    byte[] metadata = java.util.Arrays.copyOf(cow.bytes(), 2 * 4096);
    java.util.Arrays.fill(metadata, 0, 16, (byte) 0);
    assertThat(metadata).containsOnly(0);
  }

  @Test
  void nextAreaIsZeroedBeforeTheFullOneIsCommitted() throws TableException {
    java.util.Arrays.fill(cow.bytes(), 512 * 2, cow.bytes().length, (byte) 0xFF); // old rubbish
    BlockDevice s = bench.create("s", "0 2048 snapshot origin cow P 1");
    bench.put(s, 'S', 0, 31);
    changes(cow);
    bench.put(s, 'S', 100, 1);
    assertThat(changes(cow))
        .containsExactly("WRITE 33+1", "WRITE 34+1", "FLUSH 0+0", "WRITE FUA 1+1");
    assertThat(bench.mapper.status("s")).isEqualTo("0 2048 snapshot 35/1024 3");
    bench.put(s, 'S', 101, 1);
    assertThat(changes(cow)).containsExactly("WRITE 35+1", "FLUSH 0+0", "WRITE FUA 34+1");
  }

  /** What nobody reads before the first area is full is durable before it is. */
  @Test
  void severalAreasAreCommittedByOneWrite() throws TableException {
    java.util.Arrays.fill(cow.bytes(), 512 * 2, cow.bytes().length, (byte) 0xFF); // old rubbish
    BlockDevice s = bench.create("s", "0 2048 snapshot origin cow P 1");
    bench.put(s, 'S', 500, 5);
    changes(cow);
    bench.put(s, 'S', 0, 91);
    assertThat(changes(cow))
        .containsExactly(
            "WRITE 7+27",
            "WRITE 35+32",
            "WRITE 68+32",
            "WRITE 34+1",
            "WRITE 67+1",
            "WRITE 100+1",
            "FLUSH 0+0",
            "WRITE FUA 1+1");
    assertThat(bench.mapper.status("s")).isEqualTo("0 2048 snapshot 101/1024 5");
    bench.put(s, 'S', 200, 1);
    assertThat(changes(cow)).containsExactly("WRITE 101+1", "FLUSH 0+0", "WRITE FUA 100+1");
    bench.remove("s");
    BlockDevice again = bench.create("s", "0 2048 snapshot origin cow P 1");
    ByteBuffer read = ByteBuffer.allocateDirect(91 * 512);
    assertThat(bench.read(again, 0, read).good()).isTrue();
    assertThat(read).isEqualTo(Bench.pattern('S', 0, 91));
  }

  @Test
  void mergeIsOneFlushAndOneCommitForManyRuns() throws TableException {
    BlockDevice s = bench.create("s", "0 2048 snapshot origin cow P 8");
    for (int chunk : new int[] {3, 50, 5, 20, 30}) {
      bench.put(s, 'S', chunk * 8L, 8);
    }
    bench.remove("s");
    changes(cow);
    changes(origin);
    bench.create("m", "0 2048 snapshot-merge origin cow P 8");
    bench.scheduler.runToQuiescence();
    List<String> toOrigin = changes(origin);
    assertThat(toOrigin).hasSize(6).endsWith("FLUSH 0+0");
    assertThat(toOrigin)
        .contains("WRITE 24+8", "WRITE 400+8", "WRITE 40+8", "WRITE 160+8", "WRITE 240+8");
    assertThat(changes(cow))
        .containsExactly("FLUSH 0+0", "WRITE FUA 8+8"); // the load's, the merge's
  }

  /** A process that was killed may have left records in the kernel's cache. */
  @Test
  void storeIsDurableBeforeItIsBelieved() throws TableException {
    BlockDevice s = bench.create("s", "0 2048 snapshot origin cow P 8");
    bench.put(s, 'S', 24, 8);
    bench.remove("s");
    cow.clearLog();
    bench.create("s", "0 2048 snapshot origin cow P 8");
    assertThat(cow.log()).startsWith("FLUSH 0+0", "READ 0+1");
  }

  @Test
  void recordIsClearedOnlyAfterTheOriginWasFlushed() throws TableException {
    BlockDevice s = bench.create("s", "0 2048 snapshot origin cow P 8");
    bench.put(s, 'S', 24, 8);
    bench.remove("s");
    changes(cow);
    origin.hold(io -> io.op() == Io.Op.FLUSH);
    bench.create("m", "0 2048 snapshot-merge origin cow P 8");
    bench.scheduler.runToQuiescence();
    assertThat(origin.held()).hasSize(1);
    assertThat(changes(cow)).containsExactly("FLUSH 0+0"); // the load's
    origin.release();
    bench.scheduler.runToQuiescence();
    assertThat(changes(cow)).containsExactly("WRITE FUA 8+8");
  }

  @Test
  void originWriteWaitsUntilTheCopyIsCommitted() throws TableException {
    bench.create("s", "0 2048 snapshot origin cow P 8");
    BlockDevice o = bench.create("o", "0 2048 snapshot-origin origin");
    changes(cow);
    origin.clearLog();
    cow.hold(io -> io.fua());
    Bench.Outcome outcome = bench.put(o, 'W', 24, 8);
    assertThat(outcome.done).isFalse();
    assertThat(changes(cow)).containsExactly("WRITE 16+8", "FLUSH 0+0", "WRITE FUA 8+8");
    assertThat(changes(origin)).isEmpty();
    cow.release();
    bench.scheduler.runToQuiescence();
    assertThat(outcome.good()).isTrue();
    assertThat(changes(origin)).containsExactly("WRITE 24+8");
  }

  @Test
  void originWriteWaitsUntilTheInvalidationIsDurable() throws TableException {
    TestDevice small = new TestDevice("small", 16);
    bench.add(small);
    bench.create("s", "0 2048 snapshot origin small P 8");
    BlockDevice o = bench.create("o", "0 2048 snapshot-origin origin");
    small.hold(io -> io.fua());
    origin.clearLog();
    Bench.Outcome outcome = bench.put(o, 'W', 24, 8);
    assertThat(small.held()).hasSize(1);
    assertThat(outcome.done).isFalse();
    assertThat(changes(origin)).isEmpty();
    small.release();
    bench.scheduler.runToQuiescence();
    assertThat(outcome.good()).isTrue();
    assertThat(small.bytes()[4]).isZero();
  }

  @Test
  void exceptionsAreCommittedInTheOrderOfAllocation() throws TableException {
    BlockDevice s = bench.create("s", "0 2048 snapshot origin cow P 8");
    changes(cow);
    cow.hold(io -> io.op() == Io.Op.WRITE && !io.fua());
    Bench.Outcome first = bench.put(s, 'S', 800, 8);
    Bench.Outcome second = bench.put(s, 'S', 80, 8);
    assertThat(cow.held()).hasSize(2);
    Io firstData = cow.takeOldest();
    cow.release();
    bench.scheduler.runToQuiescence();
    assertThat(second.done).isFalse();
    assertThat(changes(cow)).containsExactly("WRITE 16+8", "WRITE 24+8");
    cow.serve(firstData);
    bench.scheduler.runToQuiescence();
    assertThat(first.good() && second.good()).isTrue();
    assertThat(changes(cow)).containsExactly("FLUSH 0+0", "WRITE FUA 8+8");
    assertThat(cow.bytes()[4096]).isEqualTo((byte) 100);
    assertThat(cow.bytes()[4096 + 16]).isEqualTo((byte) 10);
  }

  @Test
  void fuaAndFlushReachWhatTheyMust() throws TableException {
    BlockDevice s = bench.create("s", "0 2048 snapshot origin cow P 8");
    bench.put(s, 'S', 24, 8);
    changes(cow);
    Bench.Outcome fua = new Bench.Outcome();
    bench.run(s, Io.write(24, Bench.pattern('S', 24, 8), true, fua::end), fua);
    assertThat(changes(cow)).containsExactly("WRITE FUA 16+8");
    bench.remove("s");
    cow.fault(io -> io.op() == Io.Op.READ && io.sector() >= 16 ? ioError("held") : null);
    BlockDevice m = bench.create("m", "0 2048 snapshot-merge origin cow P 8");
    bench.scheduler.runToQuiescence();
    changes(cow);
    changes(origin);
    Bench.Outcome flush = new Bench.Outcome();
    bench.run(m, Io.flush(flush::end), flush);
    assertThat(flush.good()).isTrue();
    assertThat(changes(cow)).containsExactly("FLUSH 0+0");
    assertThat(changes(origin)).containsExactly("FLUSH 0+0");
  }

  private static org.anabranch.block.IoError ioError(String message) {
    return org.anabranch.block.IoError.io(-1, message, null);
  }
}
