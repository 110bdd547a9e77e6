// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.testing.TestDevice;
import org.junit.jupiter.api.Test;

/** Origins, snapshots and merges that are rows among others in a table: none is shifted. */
final class RowsTest {
  private final Bench bench = new Bench();
  private final TestDevice origin = new TestDevice("origin", 2048).pattern('O');
  private final TestDevice cow = new TestDevice("cow", 4096);
  private final TestDevice cow2 = new TestDevice("cow2", 4096);

  RowsTest() {
    bench.add(origin, cow, cow2);
  }

  private ByteBuffer onOrigin(int sector, int sectors) {
    return ByteBuffer.wrap(origin.bytes(), sector * 512, sectors * 512);
  }

  private ByteBuffer read(BlockDevice device, long sector, int sectors) {
    ByteBuffer data = ByteBuffer.allocateDirect(sectors * 512);
    assertThat(bench.read(device, sector, data).good()).isTrue();
    return data;
  }

  @Test
  void rowsAreMappedToTheSectorsOfTheirOwnNumbers() throws TableException {
    BlockDevice o = bench.create("o", "0 8 zero\n8 2040 snapshot-origin origin");
    BlockDevice s = bench.create("s", "0 16 zero\n16 2032 snapshot origin cow P 8");
    assertThat(read(o, 8, 8)).isEqualTo(Bench.pattern('O', 8, 8));
    assertThat(read(s, 16, 8)).isEqualTo(Bench.pattern('O', 16, 8));
    assertThat(bench.put(o, 'W', 2036, 12).good()).isTrue();
    assertThat(bench.put(s, 'S', 100, 12).good()).isTrue();
    assertThat(onOrigin(2036, 12)).isEqualTo(Bench.pattern('W', 2036, 12));
    assertThat(read(s, 2032, 16)).isEqualTo(Bench.pattern('O', 2032, 16));
    assertThat(read(s, 100, 12)).isEqualTo(Bench.pattern('S', 100, 12));

    bench.remove("s", "o");
    BlockDevice m = bench.create("m", "0 16 zero\n16 2032 snapshot-merge origin cow P 8");
    assertThat(bench.put(m, 'X', 96, 2).good()).isTrue();
    bench.scheduler.runToQuiescence();
    assertThat(bench.mapper.status("m")).endsWith("snapshot-merge 16/4096 16");
    assertThat(onOrigin(96, 2)).isEqualTo(Bench.pattern('X', 96, 2));
    assertThat(onOrigin(100, 12)).isEqualTo(Bench.pattern('S', 100, 12));
    assertThat(onOrigin(2036, 12)).isEqualTo(Bench.pattern('O', 2036, 12));
    Bench.Outcome flush = new Bench.Outcome();
    assertThat(bench.run(m, Io.flush(flush::end), flush).good()).isTrue();
  }

  @Test
  void originThatEndsBeforeTheRowIsRefused() {
    for (String target : new String[] {"snapshot-origin origin", "snapshot origin cow P 8"}) {
      assertThatThrownBy(() -> bench.create("o", "0 8 zero\n8 2048 " + target))
          .hasMessageEndingWith("origin too small for target: start=8, len=2048, dev_size=2048");
    }
  }

  /** The store of a snapshot from before the origin grew, whose last chunk is one in part. */
  @Test
  void mergeLeavesWhatIsBehindTheSnapshotsEnd() throws TableException {
    TestDevice growing = new TestDevice("growing", 1020).pattern('O');
    bench.add(growing);
    BlockDevice s = bench.create("s", "0 1020 snapshot growing cow P 8");
    assertThat(bench.put(s, 'S', 1000, 20).good()).isTrue();
    bench.remove("s");
    growing.grow(2048);
    bench.create("s2", "0 2048 snapshot growing cow2 P 8");
    BlockDevice m =
        bench.create(
            "m", "0 1020 snapshot-merge growing cow P 8\n1020 1028 snapshot-origin growing");
    assertThat(bench.put(m, 'N', 1020, 12).good()).isTrue();
    bench.scheduler.runToQuiescence();
    assertThat(bench.mapper.status("m")).contains("snapshot-merge 16/4096 16");
    byte[] expected = Arrays.copyOf(Bench.view(1020, 'O'), 2048 * 512);
    byte[] before = expected.clone();
    Bench.pattern('S', 1000, 20).get(0, expected, 1000 * 512, 20 * 512);
    Bench.pattern('N', 1020, 12).get(0, expected, 1020 * 512, 12 * 512);
    assertThat(growing.bytes()).isEqualTo(expected);
    assertThat(bench.view(bench.mapper.device("s2"))).isEqualTo(before);
  }
}
