// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.anabranch.block.testing.Await;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.snapshots.merge.MergeRequest;
import org.anabranch.server.snapshots.merge.MergeRequest.Begin;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A volume is rolled back, and its snapshot is kept. */
final class KeptSnapshotTest {
  private static final int MIB = 1 << 20;
  private static final String SNAPSHOT = "vm1@a";

  @TempDir private Path folder;

  private static SnapshotState state(VolumeUnderTest volume) {
    return volume.snapshots.list("vm1").stream()
        .filter(each -> each.device().equals(SNAPSHOT))
        .findAny()
        .orElseThrow();
  }

  private byte[] read(VolumeUnderTest volume, String device) throws Exception {
    Path image = folder.resolve("read.img");
    volume.exports.raw(device, image, true, state -> {});
    return Files.readAllBytes(image);
  }

  private List<String> stores() throws Exception {
    try (Stream<Path> files = Files.list(folder.resolve("cow"))) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private static SnapshotState ask(VolumeUnderTest volume, Begin begin, @Nullable Long throttle)
      throws RefusedException {
    return volume.snapshots.merge(
        new MergeRequest(List.of(SNAPSHOT), begin, MergeRequest.TIME_LIMIT, null, throttle, true));
  }

  private static void awaitEnd(VolumeUnderTest volume) throws Exception {
    Await.until("the merge's end", () -> state(volume), each -> each.phase() == Phase.READY);
    volume.snapshots.settle();
  }

  @Test
  void snapshotIsThereBeforeDuringAndAfter() throws Exception {
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.write(0, 2 * MIB, 1);
      volume.snapshot("a");
      Instant created = state(volume).created();
      volume.snapshots.describe(SNAPSHOT, "before the upgrade");
      byte[] then = volume.contents.clone();
      volume.write(MIB, 3 * MIB, 2);
      volume.snapshot("b");
      byte[] atB = volume.contents.clone();
      assertThat(ask(volume, Begin.NOW, 256L * 1024).phase()).isEqualTo(Phase.MERGING);
      assertThat(stores()).containsExactly("vm1@a.cow", "vm1@a~2.cow", "vm1@b.cow");
      volume.write("vm1", 2 * MIB, 4 * MIB, 3);
      assertThat(read(volume, SNAPSHOT)).isEqualTo(then);
      assertThat(read(volume, "vm1@b")).isEqualTo(atB);
      volume.snapshots.throttle(SNAPSHOT, 0);
      awaitEnd(volume);
      assertThat(read(volume, SNAPSHOT)).isEqualTo(then);
      assertThat(read(volume, "vm1@b")).isEqualTo(atB);
      SnapshotState kept = state(volume);
      assertThat(kept.created()).isEqualTo(created);
      assertThat(kept.description()).isEqualTo("before the upgrade");
      assertThat(kept.throttle()).isZero();
      assertThat(kept.secondStore()).isNull();
      assertThat(stores()).containsExactly("vm1@a~2.cow", "vm1@b.cow");
    }
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.write("vm1", 0, 5 * MIB, 4);
      byte[] expected = new byte[VolumeUnderTest.BYTES];
      System.arraycopy(VolumeUnderTest.data(2 * MIB, 1), 0, expected, 0, 2 * MIB);
      assertThat(read(volume, SNAPSHOT)).isEqualTo(expected);
    }
  }

  /** Twice, and the second time it is consumed. */
  @Test
  void itCanBeRolledBackToAgain() throws Exception {
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.write(0, 2 * MIB, 1);
      volume.snapshot("a");
      byte[] then = volume.contents.clone();
      for (int i = 2; i < 5; i++) {
        volume.write("vm1", MIB, 3 * MIB, i);
        ask(volume, Begin.NOW, null);
        awaitEnd(volume);
        assertThat(read(volume, SNAPSHOT)).isEqualTo(then);
      }
      volume.write("vm1", MIB, 3 * MIB, 7);
      volume.merge(SNAPSHOT, Begin.NOW);
      Await.until("it is gone", () -> volume.snapshots.list("vm1"), List::isEmpty);
      assertThat(stores()).isEmpty();
      volume.snapshot("c");
      assertThat(read(volume, "vm1@c")).isEqualTo(then);
    }
  }

  @Test
  void aRestartInTheMiddleGoesOnAndItReadsTheSame() throws Exception {
    byte[] then;
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.write(0, 2 * MIB, 1);
      volume.snapshot("a");
      then = volume.contents.clone();
      volume.write(MIB, 3 * MIB, 2);
      ask(volume, Begin.NOW, 64L * 1024);
      volume.snapshots.throttle(SNAPSHOT, 32 * 1024);
      volume.write("vm1", 0, 100_352, 3);
    }
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      assertThat(state(volume).phase()).isEqualTo(Phase.MERGING);
      assertThat(Objects.requireNonNull(volume.snapshots.progress(SNAPSHOT)).throttle())
          .isEqualTo(32 * 1024);
      assertThat(read(volume, SNAPSHOT)).isEqualTo(then);
      volume.write("vm1", 0, 3 * MIB, 4);
      assertThat(read(volume, SNAPSHOT)).isEqualTo(then);
      volume.snapshots.throttle(SNAPSHOT, 0);
      awaitEnd(volume);
      assertThat(read(volume, SNAPSHOT)).isEqualTo(then);
    }
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      assertThat(read(volume, SNAPSHOT)).isEqualTo(then);
      assertThat(stores()).hasSize(1);
    }
  }

  @Test
  void whileItIsMergedItIsNeitherRemovedNorComparedNorMergedOtherwise() throws Exception {
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.write(0, 2 * MIB, 1);
      volume.snapshot("a");
      volume.write(MIB, 3 * MIB, 2);
      volume.snapshot("b");
      byte[] atB = volume.contents.clone();
      ask(volume, Begin.NOW, 64L * 1024);
      assertThatThrownBy(() -> volume.snapshots.remove(SNAPSHOT, true))
          .hasMessageContaining("is being rolled back to");
      assertThatThrownBy(() -> volume.snapshots.rename(SNAPSHOT, "c", true))
          .isInstanceOf(RefusedException.class);
      assertThatThrownBy(() -> volume.snapshot("c")).hasMessageContaining("is being rolled back");
      assertThatThrownBy(() -> volume.exports.changed("vm1@b", SNAPSHOT, false, extent -> {}))
          .hasMessageContaining("is being rolled back, and until that has ended");
      // The other one waits for its turn, and is kept, too.
      MergeRequest next = MergeRequest.keeping(Begin.NOW, "vm1@b");
      assertThat(volume.snapshots.merge(next).phase()).isEqualTo(Phase.QUEUED);
      volume.snapshots.throttle(SNAPSHOT, 0);
      awaitEnd(volume);
      Await.until(
          "both are kept",
          () -> volume.snapshots.list("vm1"),
          all -> all.stream().allMatch(each -> each.phase() == Phase.READY));
      assertThat(read(volume, "vm1@b")).isEqualTo(atB);
      byte[] then = new byte[VolumeUnderTest.BYTES];
      System.arraycopy(VolumeUnderTest.data(2 * MIB, 1), 0, then, 0, 2 * MIB);
      assertThat(read(volume, SNAPSHOT)).isEqualTo(then);
      long[] changed = new long[1];
      volume.exports.changed("vm1@b", SNAPSHOT, false, extent -> changed[0] += extent.length());
      assertThat(changed[0]).isGreaterThanOrEqualTo(3 * MIB);
    }
  }

  @Test
  void aMergeWithoutKeepCannotBeChangedIntoOneWithIt() throws Exception {
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.snapshot("a");
      volume.write(MIB, 3 * MIB, 2);
      volume.snapshots.merge(
          new MergeRequest(
              List.of(SNAPSHOT), Begin.NOW, MergeRequest.TIME_LIMIT, null, 4096L, false));
      assertThatThrownBy(() -> ask(volume, Begin.NOW, null))
          .hasMessageContaining("is being rolled back to without --keep");
    }
  }

  /** What may be left of a merge that did not begin, and of one that has ended. */
  @Test
  void aStartDeletesTheStoreThatIsOver() throws Exception {
    byte[] then;
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.write(0, 2 * MIB, 1);
      volume.snapshot("a");
      then = volume.contents.clone();
    }
    Path state = folder.resolve("state.json");
    Path second = folder.resolve("cow").toAbsolutePath().resolve("vm1@a~2.cow");
    String text = Files.readString(state);
    Files.writeString(
        state, text.replace("\"turn\"", "\"second-store\" : \"" + second + "\", \"turn\""));
    Files.writeString(second, "half of a header");
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      assertThat(second).doesNotExist();
      assertThat(state(volume).secondStore()).isNull();
      assertThat(read(volume, SNAPSHOT)).isEqualTo(then);
    }
  }

  @Test
  void withoutRoomForASecondStoreItIsRefusedAndNothingHasChanged() throws Exception {
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.write(0, 2 * MIB, 1);
      volume.snapshot("a");
      byte[] then = volume.contents.clone();
      volume.write(MIB, MIB, 2);
      Files.writeString(folder.resolve("cow/vm1@a~2.cow"), "in the way");
      assertThatThrownBy(() -> ask(volume, Begin.NOW, null)).hasMessageContaining("exists");
      assertThat(state(volume).phase()).isEqualTo(Phase.READY);
      assertThat(read(volume, SNAPSHOT)).isEqualTo(then);
      volume.write("vm1", 0, MIB, 5);
      assertThat(read(volume, SNAPSHOT)).isEqualTo(then);
    }
  }

  /** The kept snapshot's device is the same all the time: what has it open goes on. */
  @Test
  void whoHasItOpenNoticesNothing() throws Exception {
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.write(0, 2 * MIB, 1);
      volume.snapshot("a");
      var device = volume.storage.mapper().device(SNAPSHOT);
      volume.write(MIB, 3 * MIB, 2);
      ask(volume, Begin.NOW, 256L * 1024);
      volume.write(SNAPSHOT, MIB, 8192, 9);
      byte[] expected = new byte[VolumeUnderTest.BYTES];
      System.arraycopy(VolumeUnderTest.data(2 * MIB, 1), 0, expected, 0, 2 * MIB);
      System.arraycopy(VolumeUnderTest.data(8192, 9), 0, expected, MIB, 8192);
      assertThat(read(volume, SNAPSHOT)).isEqualTo(expected);
      volume.snapshots.throttle(SNAPSHOT, 0);
      awaitEnd(volume);
      assertThat(read(volume, SNAPSHOT)).isEqualTo(expected);
      assertThat(volume.storage.mapper().device(SNAPSHOT)).isSameAs(device);
      // What was written to the snapshot is not in the volume.
      volume.snapshot("now");
      Arrays.fill(expected, 0, expected.length, (byte) 0);
      System.arraycopy(VolumeUnderTest.data(2 * MIB, 1), 0, expected, 0, 2 * MIB);
      assertThat(read(volume, "vm1@now")).isEqualTo(expected);
    }
  }
}
