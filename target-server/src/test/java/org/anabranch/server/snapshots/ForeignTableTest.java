// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.anabranch.block.dm.SuspendMode;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.snapshots.merge.MergeRequest.Begin;
import org.anabranch.server.state.SnapshotState.Phase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Volumes and snapshots whose tables somebody has changed with {@code dm}. */
final class ForeignTableTest {
  private static final int SECTORS = VolumeUnderTest.BYTES / 512;

  @TempDir Path folder;

  private void refuse(VolumeUnderTest volume, String reason, Executable... verbs) {
    for (Executable verb : verbs) {
      assertThatThrownBy(verb::execute)
          .isInstanceOf(RefusedException.class)
          .hasMessageContaining(reason);
    }
    assertThat(volume.snapshots.list("vm1")).hasSize(1);
    assertThat(volume.snapshots.list("vm1").getFirst().phase()).isEqualTo(Phase.READY);
  }

  private String linear() {
    return "0 " + SECTORS + " linear " + folder.resolve("vm1.img") + " 0";
  }

  private String origin() {
    return "0 " + SECTORS + " snapshot-origin " + folder.resolve("vm1.img");
  }

  @Test
  void aLiveTableOfAnotherKindIsRefused() throws Exception {
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.snapshot("a");
      volume.storage.mapper().reload("vm1", linear()).toCompletableFuture().join();
      refuse(
          volume,
          "another live table than the server's own",
          () -> volume.snapshot("b"),
          () -> volume.merge("vm1@a", Begin.NOW),
          () -> volume.merge("vm1@a", Begin.WHEN_UNUSED));
      assertThat(volume.snapshots.warnings())
          .singleElement()
          .asString()
          .contains("vm1@a", "changes the snapshot, too", origin());
      volume.storage.mapper().reload("vm1", origin()).toCompletableFuture().join();
      assertThat(volume.snapshots.warnings()).isEmpty();
      volume.snapshot("b");
      assertThat(volume.snapshots.list("vm1")).hasSize(2);
    }
  }

  @Test
  void aLoadedTableIsNotMadeLive() throws Exception {
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.snapshot("a");
      volume.storage.mapper().load("vm1", "0 " + SECTORS + " error").toCompletableFuture().join();
      refuse(
          volume,
          "dm clear vm1 takes it away",
          () -> volume.snapshot("b"),
          () -> volume.merge("vm1@a", Begin.NOW));
      volume.write(0, 4096, 1);
      volume.storage.mapper().clear("vm1").toCompletableFuture().join();
      volume.snapshot("b");
    }
  }

  @Test
  void aVolumeThatIsSuspendedByHandIsNotResumed() throws Exception {
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.snapshot("a");
      volume.storage.mapper().suspend("vm1", SuspendMode.FLUSH).toCompletableFuture().join();
      refuse(
          volume,
          "dm resume vm1 first",
          () -> volume.snapshot("b"),
          () -> volume.merge("vm1@a", Begin.NOW));
      assertThat(volume.storage.mapper().device("vm1").suspended()).isTrue();
      volume.storage.mapper().resume("vm1").toCompletableFuture().join();
      volume.snapshot("b");
    }
  }

  @Test
  void aSnapshotWithATableOfItsOwnIsLeftAlone() throws Exception {
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.snapshot("a");
      volume.storage.mapper().load("vm1@a", "0 " + SECTORS + " error").toCompletableFuture().join();
      refuse(
          volume,
          "a table that the server did not make",
          () -> volume.snapshots.remove("vm1@a", true),
          () -> volume.merge("vm1@a", Begin.NOW));
      volume.storage.mapper().clear("vm1@a").toCompletableFuture().join();
      volume.snapshots.remove("vm1@a", false);
    }
  }
}
