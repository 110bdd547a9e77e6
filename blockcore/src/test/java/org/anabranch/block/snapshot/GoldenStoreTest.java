// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.dm.TableException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Stores that a Linux 6.1 kernel wrote read here as they did there, have the same status, and merge
 * to the same origin, from wherever the kernel's merge was cut off.
 */
final class GoldenStoreTest {
  /** What Linux printed and what everything must read as. */
  private record Facts(String view, String status, String table) {
    static Facts of(String name, String state) {
      String text = Golden.text(name + ".txt");
      String part = text.substring(text.indexOf("--- " + name + "." + state + ".*"));
      Matcher view = Pattern.compile("view   sha256 (\\w+)").matcher(part);
      Matcher status = Pattern.compile("after a reload, status would be: (.*)").matcher(part);
      Matcher table =
          Pattern.compile("table '(0 \\d+ snapshot) /dev/vda /dev/vdb (.*)'").matcher(text);
      assertThat(view.find() && status.find() && table.find()).isTrue();
      return new Facts(
          view.group(1), status.group(1), table.group(1) + " origin cow " + table.group(2));
    }
  }

  private final Bench bench = new Bench();

  private RamDevice origin(String name, String state) {
    return new RamDevice("origin", Golden.image(name + "." + state + ".origin"));
  }

  private RamDevice cow(String name, String state) {
    return new RamDevice("cow", Golden.image(name + "." + state + ".cow"));
  }

  @ParameterizedTest
  @CsvSource({
    "p1, before",
    "p1, mid1",
    "p1, after",
    "p8, before",
    "p8, mid1",
    "p8, mid2",
    "p8, after",
    "p32, before",
    "p32, mid1",
    "p32, after",
    "p8odd, before",
    "p8odd, after",
    "po8overflow, before",
    "po8overflow, after"
  })
  void readsAsInLinux(String name, String state) throws TableException {
    Facts facts = Facts.of(name, state);
    RamDevice cow = cow(name, state);
    bench.add(origin(name, state), cow);
    BlockDevice snapshot = bench.create("s", facts.table);

    assertThat(Bench.sha256(bench.view(snapshot))).isEqualTo(facts.view);
    String head = facts.table.substring(0, facts.table.indexOf(" origin"));
    assertThat(bench.mapper.status("s")).isEqualTo(head + " " + facts.status);
    assertThat(bench.mapper.table("s")).isEqualTo(facts.table);
    bench.remove("s");
    assertThat(cow.bytes()).isEqualTo(Golden.image(name + "." + state + ".cow"));
    assertThat(cow.log).noneMatch(io -> io.startsWith("WRITE"));
  }

  @ParameterizedTest
  @CsvSource({
    "p1, before",
    "p1, mid1",
    "p8, before",
    "p8, mid1",
    "p8, mid2",
    "p32, before",
    "p32, mid1",
    "p8odd, before",
    "po8overflow, before"
  })
  void mergesToTheSameOrigin(String name, String state) throws TableException {
    Facts facts = Facts.of(name, state);
    RamDevice origin = origin(name, state);
    RamDevice cow = cow(name, state);
    bench.add(origin, cow);
    String table = facts.table.replace(" snapshot ", " snapshot-merge ").replace(" PO ", " P ");
    BlockDevice merge = bench.create("m", table);
    assertThat(Bench.sha256(bench.view(merge))).isEqualTo(facts.view);
    bench.scheduler.runToQuiescence();

    assertThat(Bench.sha256(origin.bytes())).isEqualTo(facts.view);
    assertThat(origin.bytes()).isEqualTo(Golden.image(name + ".after.origin"));
    assertThat(Bench.sha256(bench.view(merge))).isEqualTo(facts.view);
    Facts after = Facts.of(name, "after");
    String head = table.substring(0, table.indexOf(" origin"));
    assertThat(bench.mapper.status("m")).isEqualTo(head + " " + after.status);
    assertThat(bench.mapper.table("m")).isEqualTo(table);
    bench.remove("m");
    // The list ends where Linux's does; behind its end in later areas Linux wipes what we leave.
    int chunk = Integer.parseInt(table.substring(table.lastIndexOf(' ') + 1)) * 512;
    assertThat(head(cow.bytes(), 2 * chunk))
        .isEqualTo(head(Golden.image(name + ".after.cow"), 2 * chunk));
  }

  private static List<Byte> head(byte[] bytes, int count) {
    return Stream.iterate(0, i -> i < count, i -> i + 1).map(i -> bytes[i]).toList();
  }

  @Test
  void invalidStoreLoadsAsInvalid() throws TableException {
    RamDevice cow = cow("p8invalid", "before");
    bench.add(origin("p8invalid", "before"), cow);
    BlockDevice snapshot = bench.create("s", "0 512 snapshot origin cow P 8");
    assertThat(bench.mapper.status("s")).isEqualTo("0 512 snapshot Invalid");
    assertThat(bench.read(snapshot, 0, java.nio.ByteBuffer.allocateDirect(4096)).good()).isFalse();
    assertThat(bench.put(snapshot, 'S', 0, 8).good()).isFalse();
    bench.remove("s");
    assertThat(cow.log).noneMatch(io -> io.startsWith("WRITE"));
  }

  /** What Linux did to a store, done here, gives the same store, byte for byte. */
  @ParameterizedTest
  @CsvSource({"p1", "p8", "p32", "p8odd", "po8overflow", "p8invalid"})
  void writesTheSameStore(String name) throws TableException {
    String text = Golden.text(name + ".txt");
    Facts facts = Facts.of(name, "before");
    byte[] cowAfter = Golden.image(name + ".before.cow");
    byte[] originAfter = Golden.image(name + ".before.origin");
    RamDevice origin = new RamDevice("origin", originAfter.length / 512).pattern('O');
    RamDevice cow = new RamDevice("cow", cowAfter.length / 512);
    bench.add(origin, cow);
    BlockDevice s = bench.create("s", facts.table);
    BlockDevice o = bench.create("o", "0 " + origin.sectors() + " snapshot-origin origin");

    Matcher op = Pattern.compile("(?m)^after ((.):(\\d+):(\\d+):(\\d+)): (.*)$").matcher(text);
    while (op.find()) {
      long block = Long.parseLong(op.group(3)) / 512;
      long first = Long.parseLong(op.group(4));
      BlockDevice device = op.group(2).equals("S") ? s : o;
      for (long i = 0; i < Long.parseLong(op.group(5)); i++) {
        bench.put(device, op.group(2).charAt(0), (first + i) * block, block);
      }
      assertThat(bench.mapper.status("s")).as(op.group(1)).isEqualTo(op.group(6));
    }
    assertThat(bench.mapper.table("o"))
        .isEqualTo("0 " + origin.sectors() + " snapshot-origin origin");
    assertThat(bench.mapper.status("o")).isEqualTo("0 " + origin.sectors() + " snapshot-origin ");
    bench.remove("s", "o");
    assertThat(origin.bytes()).isEqualTo(originAfter);
    assertThat(cow.bytes()).isEqualTo(cowAfter);
  }
}
