// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.anabranch.block.testing.Await;
import org.anabranch.server.base.Progress;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.RecordJson;
import org.anabranch.server.exports.Exports;
import org.anabranch.server.snapshots.device.Readers;
import org.anabranch.server.snapshots.merge.MergeRequest;
import org.anabranch.server.snapshots.merge.MergeRequest.Begin;
import org.anabranch.server.snapshots.merge.MergeStatus;
import org.anabranch.server.state.SnapshotState.Phase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Several merges of one volume, and those that cannot begin. */
final class MergeQueueTest {
  private static final Progress<Exports.State> IGNORED = state -> {};

  @TempDir Path folder;

  @Test
  void aSecondMergeWaitsForTheFirst() throws Exception {
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.write(0, 1 << 20, 1);
      byte[] atA = volume.contents.clone();
      volume.snapshot("a");
      volume.write(0, 4 << 20, 2);
      volume.snapshot("b");
      volume.write(0, 8 << 20, 3);
      byte[] atC = volume.contents.clone();
      volume.snapshot("c");
      assertThat(volume.merge("vm1@b", Begin.NOW).phase()).isEqualTo(Phase.MERGING);
      // The first merge ends when the thread that looks after merges next does, not earlier.
      assertThat(volume.merge("vm1@a", Begin.NOW).phase()).isEqualTo(Phase.QUEUED);
      Await.until(
          "two merges have ended", () -> volume.snapshots.list("vm1"), list -> list.size() <= 1);
      assertThat(volume.snapshots.list("vm1").getFirst().device()).isEqualTo("vm1@c");
      volume.snapshot("now");
      volume.exports.raw("vm1@now", folder.resolve("now.img"), false, IGNORED);
      assertThat(folder.resolve("now.img")).hasBinaryContent(atA);
      volume.exports.raw("vm1@c", folder.resolve("c.img"), false, IGNORED);
      assertThat(folder.resolve("c.img")).hasBinaryContent(atC);
      try (Stream<Path> stores = Files.list(folder.resolve("cow"))) {
        assertThat(stores).hasSize(2);
      }
    }
  }

  private static Phase phase(VolumeUnderTest volume, String device) {
    return volume.snapshots.list(null).stream()
        .filter(each -> each.device().equals(device))
        .findAny()
        .orElseThrow()
        .phase();
  }

  private void holds(VolumeUnderTest volume, byte[] expected) throws Exception {
    volume.snapshot("now");
    volume.exports.raw("vm1@now", folder.resolve("now.img"), true, IGNORED);
    assertThat(folder.resolve("now.img")).hasBinaryContent(expected);
  }

  @Test
  void theOrderIsThatOfTheRequestsAlsoOverARestart() throws Exception {
    byte[] last;
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.snapshot("s1");
      volume.write(0, 1 << 20, 1);
      volume.snapshot("s9");
      volume.write(0, 2 << 20, 2);
      last = volume.contents.clone();
      volume.snapshot("s2");
      volume.write(0, 3 << 20, 3);
      try (Readers.Reading _ = volume.snapshots.read("vm1@s1")) {
        for (String name : new String[] {"s1", "s9", "s2"}) {
          assertThat(volume.merge("vm1@" + name, Begin.NOW).phase()).isEqualTo(Phase.QUEUED);
        }
        volume.snapshots.close();
      }
    }
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      Await.until(
          "no snapshot is left", () -> volume.snapshots.list("vm1"), left -> left.isEmpty());
      holds(volume, last);
    }
  }

  @Test
  void aMergeThatWaitsCanBeTakenBack() throws Exception {
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.snapshot("a");
      volume.write(0, 1 << 20, 1);
      try (Readers.Reading _ = volume.snapshots.read("vm1@a")) {
        assertThat(volume.merge("vm1@a", Begin.WHEN_UNUSED).phase()).isEqualTo(Phase.WAITING);
        assertThat(volume.snapshots.cancelMerge(List.of("vm1@a")).getFirst().phase())
            .isEqualTo(Phase.READY);
      }
      assertThatThrownBy(() -> volume.snapshots.cancelMerge(List.of("vm1@a")))
          .isInstanceOf(RefusedException.class)
          .hasMessage("snapshot vm1@a has no rollback that waits");
      assertThat(phase(volume, "vm1@a")).isEqualTo(Phase.READY);
      holds(volume, volume.contents);
    }
  }

  @Test
  void aSnapshotThatBecomesInvalidWhileItWaitsIsNotMerged() throws Exception {
    String config = "stores { autoextend { enabled = false } }";
    try (VolumeUnderTest volume = new VolumeUnderTest(folder, config)) {
      volume.snapshots.create("vm1", "a", 16, 64 << 10, false);
      try (Readers.Reading _ = volume.snapshots.read("vm1@a")) {
        assertThat(volume.merge("vm1@a", Begin.NOW).phase()).isEqualTo(Phase.QUEUED);
        volume.write(0, 1 << 20, 1); // more than its store has room for
      }
      Await.until(
          "vm1@a is queued no more", () -> phase(volume, "vm1@a"), phase -> phase != Phase.QUEUED);
      assertThat(phase(volume, "vm1@a")).isEqualTo(Phase.READY);
      assertThat(volume.appeared).contains("vm1@a");
      assertThatThrownBy(() -> volume.merge("vm1@a", Begin.NOW)).hasMessageContaining("is invalid");
      volume.snapshots.remove("vm1@a", false);
      holds(volume, volume.contents);
    }
  }

  @Test
  void aReadOnlyVolumeIsNotRolledBack() throws Exception {
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.snapshot("a");
    }
    try (VolumeUnderTest volume = new VolumeUnderTest(folder, "volumes.vm1.read-only = true")) {
      assertThatThrownBy(() -> volume.merge("vm1@a", Begin.NOW))
          .hasMessage(
              "volume vm1 is read-only and cannot be rolled back; take read-only out of its"
                  + " configuration and reload");
      assertThat(phase(volume, "vm1@a")).isEqualTo(Phase.READY);
    }
  }

  @Test
  void aMergeThatCannotBeginLeavesEverythingAsItWas() throws Exception {
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.snapshot("a");
      volume.write(0, 1 << 20, 1);
      // A third table with the store, which a handover refuses.
      String table =
          "0 32768 snapshot %s %s P 16"
              .formatted(folder.resolve("vm1.img"), folder.resolve("cow/vm1@a.cow"));
      volume.storage.devices().prepare("x", "x", volume.storage.mapper().read(table));
      volume.appeared.clear();
      assertThatThrownBy(() -> volume.merge("vm1@a", Begin.NOW))
          .isInstanceOf(RefusedException.class)
          .hasMessageContaining("pairing");
      assertThat(volume.appeared).containsExactly("vm1@a");
      assertThat(phase(volume, "vm1@a")).isEqualTo(Phase.READY);
      volume.storage.devices().remove("x");
      volume.write(1 << 20, 1 << 20, 2);
      volume.exports.raw("vm1@a", folder.resolve("a.img"), false, IGNORED);
      assertThat(folder.resolve("a.img")).hasBinaryContent(new byte[VolumeUnderTest.BYTES]);
      volume.merge("vm1@a", Begin.NOW);
      Await.until(
          "no snapshot is left", () -> volume.snapshots.list("vm1"), left -> left.isEmpty());
      holds(volume, new byte[VolumeUnderTest.BYTES]);
    }
  }

  @Test
  void aMergeThatCannotGoOnSinceItsStoreIsInvalidCanBeGivenUp() throws Exception {
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.snapshot("a");
      volume.write(0, 1 << 20, 1);
    }
    Path state = folder.resolve("state.json");
    Files.writeString(state, Files.readString(state).replace("\"ready\"", "\"merging\""));
    try (FileChannel store =
        FileChannel.open(folder.resolve("cow/vm1@a.cow"), StandardOpenOption.WRITE)) {
      store.write(ByteBuffer.allocate(4), 4); // its header says valid = 0 now
    }
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      assertThat(state(volume)).isEqualTo("invalid");
      assertThat(volume.snapshots.warnings())
          .singleElement()
          .asString()
          .contains(
              "volume vm1: its rollback to vm1@a cannot be completed: the snapshot is invalid",
              "anabranch snapshot remove --force vm1@a");
      for (Executable way :
          new Executable[] {
            () -> volume.merge("vm1@a", Begin.NOW),
            () -> volume.snapshots.pause("vm1@a", false),
            () -> volume.snapshots.remove("vm1@a", false)
          }) {
        assertThatThrownBy(way::execute)
            .isInstanceOf(RefusedException.class)
            .hasMessageContaining("cannot go on, since its store is invalid")
            .hasMessageContaining("--force gives it up");
      }
      volume.snapshots.remove("vm1@a", true);
      assertThat(volume.snapshots.list(null)).isEmpty();
      assertThat(folder.resolve("cow")).isEmptyDirectory();
      volume.write(4096, 4096, 5);
      volume.snapshot("b");
      assertThat(phase(volume, "vm1@b")).isEqualTo(Phase.READY);
    }
  }

  @Test
  void aMergeThatStoppedAtAnErrorBeginsAgain() throws Exception {
    Path store = folder.resolve("cow/vm1@a.cow");
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.write(0, 2 << 20, 1);
      byte[] before = volume.contents.clone();
      volume.snapshot("a");
      volume.write(0, 1 << 20, 2);
      byte[] whole = Files.readAllBytes(store);
      volume.snapshots.merge(throttled(8));
      try (FileChannel channel = FileChannel.open(store, StandardOpenOption.WRITE)) {
        channel.truncate(2 * 8192); // header and list are there, what they tell of is not
        assertThatThrownBy(() -> volume.snapshots.merge(throttled(0)))
            .isInstanceOf(RefusedException.class)
            .hasMessageContaining("fails, see the server's log");
        Await.until("the merge has failed", () -> state(volume), "failed"::equals);
        assertThatThrownBy(() -> volume.snapshots.pause("vm1@a", false))
            .hasMessageContaining("fails, see the server's log");
        assertThat(volume.snapshots.warnings())
            .singleElement()
            .asString()
            .contains(
                "volume vm1: its rollback to vm1@a stopped at an error",
                "anabranch snapshot resume vm1@a");
        assertThatThrownBy(() -> volume.snapshots.remove("vm1@a", true))
            .hasMessageContaining("The rollback stopped; snapshot resume tries again");
        channel.write(ByteBuffer.wrap(whole), 0);
      }
      assertThat(volume.storage.warnings().toString()).contains("was cut from outside");
      assertThat(volume.storage.troubles().putFilesRight()).hasSize(1);
      volume.snapshots.pause("vm1@a", false);
      Await.until(
          "no snapshot is left", () -> volume.snapshots.list("vm1"), left -> left.isEmpty());
      holds(volume, before);
      assertThat(volume.snapshots.warnings()).isEmpty();
    }
  }

  /** What was written to it may be lost: the volume must not be rolled back to that. */
  @Test
  void noMergeBeginsWhileItsSnapshotCannotBeMadeDurable() throws Exception {
    Path store = folder.resolve("cow/vm1@a.cow");
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.write(0, 2 << 20, 1);
      byte[] before = volume.contents.clone();
      volume.snapshot("a");
      volume.write(0, 1 << 20, 2);
      byte[] whole = Files.readAllBytes(store);
      try (FileChannel channel = FileChannel.open(store, StandardOpenOption.WRITE)) {
        channel.truncate(2 * 8192);
        assertThatThrownBy(() -> volume.merge("vm1@a", Begin.NOW))
            .isInstanceOf(RefusedException.class)
            .hasMessageContaining("vm1@a: what was written is not durable");
        assertThat(phase(volume, "vm1@a")).isEqualTo(Phase.READY);
        channel.write(ByteBuffer.wrap(whole), 0);
      }
      assertThat(volume.storage.troubles().putFilesRight()).hasSize(1);
      volume.merge("vm1@a", Begin.NOW);
      Await.until(
          "no snapshot is left", () -> volume.snapshots.list("vm1"), left -> left.isEmpty());
      holds(volume, before);
    }
  }

  /** A merge that would take a week ends at once when its bound is lifted, also after a restart. */
  @Test
  void theBoundOfAMergeThatRunsIsChanged() throws Exception {
    byte[] before;
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.write(0, 4 << 20, 1);
      before = volume.contents.clone();
      volume.snapshot("a");
      volume.write(0, 4 << 20, 2);
      volume.snapshots.merge(throttled(8));
      assertThat(throttle(volume)).isEqualTo(8);
      volume.snapshots.merge(throttled(9));
      assertThat(throttle(volume)).isEqualTo(9);
      assertThat(volume.snapshots.list("vm1").getFirst().throttle()).isEqualTo(9);
    }
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      assertThat(phase(volume, "vm1@a")).isEqualTo(Phase.MERGING);
      assertThat(throttle(volume)).as("after a restart").isEqualTo(9);
      volume.snapshots.merge(throttled(0));
      Await.until(
          "no snapshot is left", () -> volume.snapshots.list("vm1"), left -> left.isEmpty());
      holds(volume, before);
    }
  }

  private static MergeRequest throttled(long bytesPerSecond) {
    return new MergeRequest(
        List.of("vm1@a"), Begin.NOW, MergeRequest.TIME_LIMIT, null, bytesPerSecond, false);
  }

  private static long throttle(VolumeUnderTest volume) throws Exception {
    return Objects.requireNonNull(volume.snapshots.progress("vm1@a")).throttle();
  }

  private static String state(VolumeUnderTest volume) throws Exception {
    MergeStatus status = volume.snapshots.progress("vm1@a");
    return status == null ? "none" : RecordJson.constant(status.state());
  }
}
