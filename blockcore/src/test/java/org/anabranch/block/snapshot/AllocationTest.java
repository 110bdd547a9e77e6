// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.dm.TableSpec;
import org.anabranch.block.dm.linear.LinearSpec;
import org.anabranch.block.testing.TestDevice;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Holes as devices tell them. The origin has data in sectors 0 to 63 and 128 to 191, and holes
 * elsewhere; it is 256 sectors long.
 */
final class AllocationTest {
  private static final DeviceRef ORIGIN = DeviceRef.named("origin");
  private static final CowArguments ARGUMENTS = new CowArguments(ORIGIN, DeviceRef.named("cow"), 8);

  private final Bench bench = new Bench();
  private final TestDevice origin = new TestDevice("origin", 256);
  private final TestDevice cow = new TestDevice("cow", 512);

  @BeforeEach
  void devices() {
    bench.add(origin, cow);
    origin.holes(sector -> (sector & 64) != 0);
    cow.holes(sector -> false);
  }

  private BlockDevice create(String name, TableSpec table) throws TableException {
    return bench.await(bench.mapper.create(name, table));
  }

  private BlockDevice snapshot() throws TableException {
    return create("s", TableSpec.of(256, new SnapshotSpec(ARGUMENTS)));
  }

  /** All of a device: {@code d} for data and {@code h} for a hole, and how many sectors. */
  private String map(BlockDevice device) {
    List<String> map = new ArrayList<>();
    for (long sector = 0; sector < device.sectors(); ) {
      Bench.Outcome outcome = new Bench.Outcome();
      Io io = Io.blockStatus(sector, device.sectors() - sector, outcome::end);
      assertThat(bench.run(device, io, outcome).good()).isTrue();
      map.add((io.allocated() ? "d" : "h") + io.statusSectors());
      sector += io.statusSectors();
    }
    return String.join(" ", map);
  }

  @Test
  void aSnapshotHasTheOriginsHolesAndItsOwnData() throws TableException {
    BlockDevice device = snapshot();
    assertThat(map(device)).isEqualTo("d64 h64 d64 h64");

    bench.put(device, 'S', 72, 8);

    assertThat(map(device)).isEqualTo("d64 h8 d8 h48 d64 h64");
    assertThat(device.limits().holesReadZero()).isTrue();
    assertThat(device.limits().discardZeroes()).isFalse();
  }

  @Test
  void aHoleInTheStoreIsAHole() throws TableException {
    BlockDevice device = snapshot();
    bench.put(device, 'S', 0, 16); // the first two data chunks, from sector 16 on
    cow.holes(sector -> sector >= 24 && sector < 32);

    assertThat(map(device)).isEqualTo("d8 h8 d48 h64 d64 h64");
  }

  @Test
  void aMergeTellsOfBothDevicesUntilTheOriginHasAll() throws TableException {
    bench.put(snapshot(), 'S', 72, 8);
    bench.remove("s");
    origin.hold(io -> io.op() == Io.Op.WRITE);
    BlockDevice merge = create("m", TableSpec.of(256, new MergeSpec(ARGUMENTS)));
    bench.scheduler.runToQuiescence();

    assertThat(map(merge)).isEqualTo("d64 h8 d8 h48 d64 h64");

    origin.hold(io -> false);
    origin.release();
    origin.holes(sector -> (sector & 64) != 0 && (sector < 72 || sector >= 80));
    bench.scheduler.runToQuiescence();
    assertThat(bench.mapper.status("m")).isEqualTo("0 256 snapshot-merge 16/512 16");
    assertThat(map(merge)).isEqualTo("d64 h8 d8 h48 d64 h64");
    assertThat(merge.limits().holesReadZero()).isTrue();
  }

  @Test
  void aGrownVolumeTellsOfWhatLiesBehindTheSnapshot() throws TableException {
    BlockDevice device =
        create("m", TableSpec.of(128, new MergeSpec(ARGUMENTS)).and(128, new OriginSpec(ORIGIN)));
    bench.scheduler.runToQuiescence();

    assertThat(map(device)).isEqualTo("d64 h64 d64 h64");
  }

  @Test
  void originAndLinearTellWhatIsBelow() throws TableException {
    create("o", TableSpec.of(256, new OriginSpec(ORIGIN)));
    BlockDevice linear = create("l", TableSpec.of(100, new LinearSpec(DeviceRef.named("o"), 60)));

    assertThat(map(linear)).isEqualTo("d4 h64 d32");
  }

  @Test
  void anInvalidSnapshotTellsNothing() throws TableException {
    BlockDevice device = snapshot();
    BlockDevice volume = create("o", TableSpec.of(256, new OriginSpec(ORIGIN)));
    cow.fault(
        io -> io.op() == Io.Op.WRITE && io.sector() >= 16 ? IoError.io(16, "broken", null) : null);
    bench.put(volume, 'X', 0, 8);

    Bench.Outcome outcome = new Bench.Outcome();
    bench.run(device, Io.blockStatus(72, 8, outcome::end), outcome);

    assertThat(outcome.done && outcome.error != null).isTrue();
  }

  @Test
  void holesReadZeroOnlyWhereBothDevicesSaySo() throws TableException {
    cow.limits(Limits.DEFAULT.withHolesReadZero(false));

    assertThat(snapshot().limits().holesReadZero()).isFalse();
  }
}
