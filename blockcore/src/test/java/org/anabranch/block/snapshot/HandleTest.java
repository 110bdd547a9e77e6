// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.block.dm.MappedDevice;
import org.anabranch.block.dm.Registration;
import org.anabranch.block.dm.SuspendMode;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.dm.TableSpec;
import org.anabranch.block.snapshot.MergeProgress.State;
import org.anabranch.block.testing.TestDevice;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a snapshot, an origin and a merge offer to code, asked of their devices. */
final class HandleTest {
  private static final int SECTORS = 2048;
  private static final CowArguments ARGUMENTS =
      new CowArguments(DeviceRef.named("origin"), DeviceRef.named("cow"), 8);

  private static final IoError FAILED = IoError.of(IoError.Kind.IO, "as the test wants it");

  private final Bench bench = new Bench();
  private final TestDevice origin = new TestDevice("origin", SECTORS).pattern('O');
  private final TestDevice cow = new TestDevice("cow", 1024);

  @BeforeEach
  void devices() {
    bench.add(origin, cow);
  }

  private MappedDevice create(String name, TableSpec table) throws TableException {
    return bench.await(bench.mapper.create(name, table));
  }

  private MappedDevice snapshot() throws TableException {
    return create("s", TableSpec.of(SECTORS, new SnapshotSpec(ARGUMENTS)));
  }

  private static <T> T only(List<T> handles) {
    assertThat(handles).hasSize(1);
    return handles.getFirst();
  }

  @Test
  void aSnapshotTellsItsUsageAndChangedChunks() throws TableException {
    MappedDevice device = snapshot();
    SnapshotHandle handle = only(device.targets(SnapshotHandle.class));
    assertThat(handle.snapshotStatus().isEmpty()).isTrue();

    bench.put(device, 'S', 16, 16);

    SnapshotStatus status = handle.snapshotStatus();
    assertThat(status).isEqualTo(new SnapshotStatus(SnapshotStatus.State.VALID, 32, 1024, 16));
    assertThat(status.percent()).isEqualTo(3);
    assertThat(bench.mapper.status("s")).isEqualTo("0 2048 snapshot " + status);
    assertThat(handle.chunkSectors()).isEqualTo(8);
    assertThat(handle.changed(0, 10)).isEqualTo(new ChangedChunks(8, List.of(2L, 2L), -1));
    assertThat(device.targets(MergeHandle.class)).isEmpty();
    assertThat(device.targets(OriginHandle.class)).isEmpty();
  }

  @Test
  void aSnapshotTellsThatItIsInvalid() throws TableException {
    SnapshotHandle handle = only(snapshot().targets(SnapshotHandle.class));
    MappedDevice volume =
        create("o", TableSpec.of(SECTORS, new OriginSpec(DeviceRef.named("origin"))));
    OriginHandle originHandle = only(volume.targets(OriginHandle.class));
    assertThat(originHandle.snapshots()).isOne();
    cow.fault(io -> io.op() == Io.Op.WRITE && io.sector() >= 16 ? FAILED : null);

    bench.put(volume, 'X', 0, 8);

    assertThat(handle.snapshotStatus().state()).isEqualTo(SnapshotStatus.State.INVALID);
    assertThatThrownBy(() -> handle.changed(0, 1)).isInstanceOf(TableException.class);
  }

  @Test
  void aMergeIsBoundedAndPausedBeforeItBegins() throws TableException {
    MappedDevice device = snapshot();
    bench.put(device, 'S', 16, 16);
    bench.await(bench.mapper.create("o"));
    MappedDevice volume = bench.mapper.device("o");
    bench.await(bench.mapper.load("o", TableSpec.of(SECTORS, new MergeSpec(ARGUMENTS))));
    MergeHandle merge = only(volume.loadedTargets(MergeHandle.class));
    assertThat(merge.progress().state()).isEqualTo(State.STOPPED);
    assertThat(merge.snapshotStatus().state()).isEqualTo(SnapshotStatus.State.AWAITING_HANDOVER);
    merge.pause();
    merge.throttle(4096);
    assertThat(merge.throttle()).isEqualTo(4096);

    bench.await(bench.mapper.suspend("s", SuspendMode.FLUSH));
    bench.await(bench.mapper.resume("o"));
    bench.scheduler.runToQuiescence();

    assertThat(merge.progress().state()).isEqualTo(State.PAUSED);
    assertThat(merge.progress().mergedBytes()).isZero();
    assertThat(volume.targets(MergeHandle.class)).containsExactly(merge);
    long before = bench.scheduler.nanoTime();
    merge.unpause();
    bench.scheduler.runToQuiescence();
    assertThat(merge.progress().state()).isEqualTo(State.DONE);
    assertThat(bench.scheduler.nanoTime() - before)
        .as("two batches of a chunk at a chunk a second")
        .isGreaterThanOrEqualTo(1_000_000_000L);
  }

  @Test
  void aMergeTellsHowItGoesOn() throws TableException {
    MappedDevice device = snapshot();
    bench.put(device, 'S', 16, 8);
    bench.put(device, 'S', 160, 8);
    bench.remove("s");
    bench.await(bench.mapper.create("o"));
    MappedDevice volume = bench.mapper.device("o");
    bench.await(bench.mapper.load("o", TableSpec.of(SECTORS, new MergeSpec(ARGUMENTS))));
    MergeHandle merge = only(volume.loadedTargets(MergeHandle.class));
    merge.throttle(4096); // batches of a chunk, a second apart
    List<Long> merged = new ArrayList<>();
    List<Long> events = new ArrayList<>();
    Registration registration = merge.onProgress(() -> merged.add(merge.progress().mergedBytes()));
    volume.listen(events::add);

    bench.await(bench.mapper.resume("o"));
    bench.scheduler.runToQuiescence();

    assertThat(merged).contains(4096L).endsWith(8192L);
    assertThat(events).as("the end of the merge").containsExactly(1L);
    assertThat(merge.progress().state()).isEqualTo(State.DONE);
    int told = merged.size();
    registration.close();
    merge.pause();
    bench.scheduler.runToQuiescence();
    assertThat(merged).hasSize(told);
  }

  @Test
  void aMergeTellsThatItFailed() throws TableException {
    bench.put(snapshot(), 'S', 16, 8);
    bench.remove("s");
    origin.fault(io -> io.op() == Io.Op.WRITE ? FAILED : null);

    MappedDevice volume = create("o", TableSpec.of(SECTORS, new MergeSpec(ARGUMENTS)));
    bench.scheduler.runToQuiescence();

    MergeHandle merge = only(volume.targets(MergeHandle.class));
    assertThat(merge.progress().state()).isEqualTo(State.FAILED);
    assertThat(merge.snapshotStatus().state()).isEqualTo(SnapshotStatus.State.MERGE_FAILED);
    assertThat(volume.eventNumber()).isOne();
  }
}
