// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import static org.anabranch.block.dm.Ended.done;
import static org.anabranch.block.dm.Ended.refusal;
import static org.anabranch.block.dm.Ended.value;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.dm.DeviceRef.AtPath;
import org.anabranch.block.dm.DeviceRef.Named;
import org.anabranch.block.dm.delay.DelaySpec;
import org.anabranch.block.dm.error.ErrorSpec;
import org.anabranch.block.dm.linear.LinearSpec;
import org.anabranch.block.dm.zero.ZeroSpec;
import org.anabranch.block.sim.SimScheduler;
import org.anabranch.block.snapshot.CowArguments;
import org.anabranch.block.snapshot.MergeSpec;
import org.anabranch.block.snapshot.OriginSpec;
import org.anabranch.block.snapshot.SnapshotSpec;
import org.anabranch.block.targets.TargetTypes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tables as values: what they refer to, and that a device's name never means anything else. */
final class TableSpecTest {
  /** Every path is a file of its own. */
  private static final class Files implements PathOpener {
    final Map<String, ManualDisk> disks = new HashMap<>();

    @Override
    public Object identity(String path) throws IOException {
      return path;
    }

    @Override
    public BackingDevice open(String path) {
      return disks.computeIfAbsent(path, name -> new ManualDisk(name, 4096));
    }
  }

  private final SimScheduler scheduler = new SimScheduler(1);
  private final Files files = new Files();
  private final DeviceMapper mapper = new DeviceMapper(scheduler, files, TargetTypes.standard());

  private static TableSpec read(String text, String... names) throws TableException {
    return TargetTypes.read(TableLine.parse(text), Set.of(names));
  }

  private static CowArguments cow(DeviceRef origin, DeviceRef cow) {
    return new CowArguments(origin, cow, 32);
  }

  @Test
  void everyTypeIsReadAndPrinted() throws TableException {
    DeviceRef vm1 = new Named("vm1");
    DeviceRef file = new AtPath("/srv/a b\\c");
    TableSpec all =
        TableSpec.of(8, new LinearSpec(vm1, 3))
            .and(8, new ZeroSpec())
            .and(8, new ErrorSpec(null))
            .and(8, new ErrorSpec(new AreaSpec(file, 8)))
            .and(8, new DelaySpec(List.of(new DelaySpec.Delay(new AreaSpec(vm1, 0), 5))))
            .and(8, new OriginSpec(file))
            .and(8, new SnapshotSpec(cow(vm1, file)))
            .and(8, new MergeSpec(new SnapshotSpec(cow(file, vm1))));

    String text = TableText.print(all);

    assertThat(text)
        .isEqualTo(
            """
            0 8 linear vm1 3
            8 8 zero\s
            16 8 error\s
            24 8 error /srv/a\\ b\\\\c 8
            32 8 delay vm1 0 5
            40 8 snapshot-origin /srv/a\\ b\\\\c
            48 8 snapshot vm1 /srv/a\\ b\\\\c P 32
            56 8 snapshot-merge /srv/a\\ b\\\\c vm1 P 32\
            """);
    assertThat(read(text, "vm1")).isEqualTo(all);
    assertThat(all.devices()).containsExactly(vm1, file);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "8", "32", "P", "zero", "linear", "snapshot-merge", "drop_writes"})
  void aWordIsADeviceOnlyWhereOneIsWanted(String name) throws TableException {
    DeviceRef file = new AtPath("/srv/x");

    for (String table :
        List.of(
            "0 32 zero",
            "0 32 linear /srv/x 8",
            "0 32 snapshot /srv/x /srv/x P 32 1 discard_zeroes_cow",
            "0 32 flakey /srv/x 0 8 8 1 drop_writes",
            "0 32 delay /srv/x 8 32")) {
      TableSpec spec = read(table, name);
      assertThat(spec.devices()).as(table).isIn(List.of(), List.of(file), List.of(file, file));
    }
    assertThat(read("0 8 linear " + name + " 8", name).devices()).containsExactly(new Named(name));
    assertThat(read("0 8 linear " + name + " 8", "other").devices())
        .containsExactly(new AtPath(name));
    assertThat(read("0 8 linear ./" + name + " 8", name).devices())
        .containsExactly(new AtPath("./" + name));
  }

  @ParameterizedTest
  @ValueSource(strings = {"8", "zero", "linear", "P", "disk.img"})
  void aDeviceAndAFileOfOneNameAreTwo(String name) throws TableException {
    value(mapper.create(name, TableSpec.of(8, new ZeroSpec())));
    MappedDevice onDevice =
        value(mapper.create("a", TableSpec.of(8, new LinearSpec(new Named(name), 0))));
    MappedDevice onFile =
        value(mapper.create("b", TableSpec.of(8, new LinearSpec(new AtPath(name), 8))));

    assertThat(onDevice.dependsOn()).containsExactly(mapper.device(name));
    assertThat(onFile.dependsOn()).containsExactly(files.disks.get(name));
    assertThat(mapper.above(name)).containsExactly("a");
    assertThat(mapper.table("a")).isEqualTo("0 8 linear " + name + " 0");
    assertThat(mapper.table("b")).isEqualTo("0 8 linear ./" + name + " 8");
    assertThat(refusal(mapper.remove(name))).contains("is in use");
    done(mapper.remove("a"));
    done(mapper.remove(name));
  }

  @Test
  void aTableFollowsANewNameBelowIt() throws TableException {
    value(mapper.create("below", TableSpec.of(8, new ZeroSpec())));
    MappedDevice above =
        value(mapper.create("above", TableSpec.of(8, new LinearSpec(new Named("below"), 0))));

    done(mapper.rename("below", "linear"));

    assertThat(above.table()).isEqualTo(TableSpec.of(8, new LinearSpec(new Named("linear"), 0)));
    assertThat(mapper.table("above")).isEqualTo("0 8 linear linear 0");
    assertThat(mapper.above("linear")).containsExactly("above");
  }

  @Test
  void dependsOnBothTables() throws TableException {
    MappedDevice device =
        value(mapper.create("dev", TableSpec.of(8, new LinearSpec(new AtPath("/a"), 0))));
    TableSpec next =
        TableSpec.of(8, new LinearSpec(new AtPath("/b"), 0))
            .and(8, new LinearSpec(new AtPath("/b"), 8));

    done(mapper.load("dev", next));

    assertThat(device.loadedTable()).isEqualTo(next);
    assertThat(device.dependsOn()).extracting(BlockDevice::name).containsExactly("/a", "/b");
    done(mapper.resume("dev"));
    assertThat(device.loadedTable()).isNull();
    assertThat(device.table()).isEqualTo(next);
    assertThat(mapper.dependsOn("dev")).extracting(BlockDevice::name).containsExactly("/b");
  }

  @Test
  void refusalsNameTheRow() {
    LinearSpec beyond = new LinearSpec(new AtPath("/a"), 4090);
    String reason = "/a too small for target: start=4090, len=8, dev_size=4096";

    assertThat(refusal(mapper.create("dev", TableSpec.of(8, beyond))))
        .isEqualTo("linear: " + reason);
    assertThat(refusal(mapper.create("dev", TableSpec.of(8, new ZeroSpec()).and(8, beyond))))
        .isEqualTo("linear at sector 8: " + reason);
    assertThat(refusal(mapper.create("dev", TableSpec.of(8, new LinearSpec(new Named("no"), 0)))))
        .isEqualTo("linear: Device lookup failed: No such device or address: no");
  }

  @Test
  void gapsAndEmptyTablesAreNoTables() {
    assertThatThrownBy(() -> new TableSpec(List.of())).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new TableSpec(List.of(new TableSpec.Row(8, 8, new ZeroSpec()))))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> TableSpec.of(Long.MAX_VALUE, new ZeroSpec()))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void listenersAreToldOfEventsAndOfTheEnd() throws TableException {
    Probe probe = new Probe();
    List<TargetType> types = new ArrayList<>(TargetTypes.standard());
    types.add(probe);
    DeviceMapper probed = new DeviceMapper(scheduler, files, types);
    MappedDevice device = value(probed.create("dev", "0 8 probe"));
    List<String> told = new ArrayList<>();
    Registration registration = device.listen(listener("one", told));
    device.listen(listener("two", told));
    TargetType.Context context = java.util.Objects.requireNonNull(probe.context);

    context.event();
    context.event();

    assertThat(told).as("told on the scheduler").isEmpty();
    scheduler.runToQuiescence();
    assertThat(told).containsExactly("one 2", "two 2");
    registration.close();
    context.event();
    scheduler.runToQuiescence();
    done(probed.remove("dev"));
    scheduler.runToQuiescence();
    assertThat(told).containsExactly("one 2", "two 2", "two 3", "two removed");
    device.listen(listener("late", told));
    scheduler.runToQuiescence();
    assertThat(told).endsWith("late removed");
  }

  @Test
  void listenersAreBounded() throws TableException {
    MappedDevice device = value(mapper.create("dev"));
    for (int i = 0; i < Events.MAX; i++) {
      device.listen(number -> {});
    }

    assertThatThrownBy(() -> device.listen(number -> {}))
        .hasMessageStartingWith("Resource temporarily unavailable");
  }

  private static DeviceListener listener(String name, List<String> told) {
    return new DeviceListener() {
      @Override
      public void event(long number) {
        told.add(name + " " + number);
      }

      @Override
      public void removed() {
        told.add(name + " removed");
      }
    };
  }
}
