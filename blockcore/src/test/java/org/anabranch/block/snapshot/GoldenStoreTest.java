// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.snapshot.GoldenStore.Facts;
import org.anabranch.block.testing.TestDevice;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Stores that a Linux kernel wrote read here as they did there, have the same status, and merge to
 * the same origin and the same store, from wherever the kernel's merge was cut off.
 */
final class GoldenStoreTest {
  private final Bench bench = new Bench();

  private interface Choice {
    boolean takes(GoldenStore store) throws IOException;
  }

  private static List<GoldenStore> all(Choice choice) throws IOException {
    List<GoldenStore> chosen = new ArrayList<>();
    for (GoldenStore store : GoldenStore.all()) {
      if (choice.takes(store)) {
        chosen.add(store);
      }
    }
    return chosen;
  }

  static List<GoldenStore> valid() throws IOException {
    return all(GoldenStore::valid);
  }

  static List<GoldenStore> invalid() throws IOException {
    return all(store -> !store.valid());
  }

  static List<GoldenStore> merged() throws IOException {
    return all(
        store -> store.valid() && !store.state().equals("after") && store.in("after").exists());
  }

  static List<GoldenStore> begun() throws IOException {
    return all(store -> store.state().equals("before"));
  }

  @ParameterizedTest
  @MethodSource("valid")
  void readsAsInLinux(GoldenStore store) throws Exception {
    Facts facts = store.facts();
    TestDevice cow = new TestDevice("cow", store.cow());
    bench.add(new TestDevice("origin", store.origin()), cow);
    BlockDevice snapshot = bench.create("s", facts.table());

    assertThat(Bench.sha256(bench.view(snapshot))).isEqualTo(facts.view());
    assertThat(bench.mapper.status("s")).isEqualTo(facts.head() + " " + facts.status());
    assertThat(bench.mapper.table("s")).isEqualTo(facts.table());
    bench.remove("s");
    assertThat(cow.bytes()).isEqualTo(store.cow());
    assertThat(cow.log()).noneMatch(io -> io.startsWith("WRITE"));
  }

  @ParameterizedTest
  @MethodSource("merged")
  void mergesToTheSameDevices(GoldenStore store) throws Exception {
    Facts facts = store.facts();
    GoldenStore after = store.in("after");
    TestDevice origin = new TestDevice("origin", store.origin());
    TestDevice cow = new TestDevice("cow", store.cow());
    bench.add(origin, cow);
    String table = facts.table().replace(" snapshot ", " snapshot-merge ").replace(" PO ", " P ");
    BlockDevice merge = bench.create("m", table);
    assertThat(Bench.sha256(bench.view(merge))).isEqualTo(facts.view());
    bench.scheduler.runToQuiescence();

    assertThat(Bench.sha256(origin.bytes())).isEqualTo(facts.view());
    assertThat(origin.bytes()).isEqualTo(after.origin());
    assertThat(Bench.sha256(bench.view(merge))).isEqualTo(facts.view());
    assertThat(bench.mapper.status("m"))
        .isEqualTo(facts.head().replace("snapshot", "snapshot-merge ") + after.facts().status());
    assertThat(bench.mapper.table("m")).isEqualTo(table);
    bench.remove("m");
    assertThat(cow.bytes()).isEqualTo(after.cow());
  }

  @ParameterizedTest
  @MethodSource("invalid")
  void invalidStoreLoadsAsInvalid(GoldenStore store) throws Exception {
    Facts facts = store.facts();
    TestDevice cow = new TestDevice("cow", store.cow());
    bench.add(new TestDevice("origin", store.origin()), cow);
    BlockDevice snapshot = bench.create("s", facts.table());
    assertThat(bench.mapper.status("s")).isEqualTo(facts.head() + " Invalid");
    assertThat(bench.read(snapshot, 0, ByteBuffer.allocateDirect(4096)).good()).isFalse();
    assertThat(bench.put(snapshot, 'S', 0, 8).good()).isFalse();
    bench.remove("s");
    assertThat(cow.log()).noneMatch(io -> io.startsWith("WRITE"));
  }

  /** What Linux did to a store, done here, gives the same store, byte for byte. */
  @ParameterizedTest
  @MethodSource("begun")
  void writesTheSameStore(GoldenStore store) throws Exception {
    byte[] cowAfter = store.cow();
    byte[] originAfter = store.origin();
    TestDevice origin = new TestDevice("origin", originAfter.length / 512).pattern('O');
    TestDevice cow = new TestDevice("cow", cowAfter.length / 512);
    bench.add(origin, cow);
    BlockDevice s = bench.create("s", store.facts().table());
    BlockDevice o = bench.create("o", "0 " + origin.sectors() + " snapshot-origin origin");

    Matcher op =
        Pattern.compile("(?m)^after ((.):(\\d+):(\\d+):(\\d+)): (.*)$").matcher(store.text());
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
