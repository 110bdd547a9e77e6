// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import static org.anabranch.block.dm.Ended.done;
import static org.anabranch.block.dm.Ended.filled;
import static org.anabranch.block.dm.Ended.refusal;
import static org.anabranch.block.dm.Ended.value;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.Io;
import org.anabranch.block.sim.SimScheduler;
import org.anabranch.block.targets.TargetTypes;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The verbs, their refusals, and who holds what open. */
final class DeviceMapperTest {
  /** Files by path: a path may lead to another path's file. */
  private static final class Files implements PathOpener {
    final Map<String, ManualDisk> disks = new HashMap<>();
    final Map<String, String> links = new HashMap<>();
    int opens;

    @Override
    public Object identity(String path) throws IOException {
      String real = links.getOrDefault(path, path);
      if (!disks.containsKey(real)) {
        throw new IOException(path + ": No such file or directory");
      }
      return real;
    }

    @Override
    public BackingDevice open(String path) throws IOException {
      opens++;
      ManualDisk disk = disks.get(links.getOrDefault(path, path));
      if (disk == null) {
        throw new IOException(path + ": No such file or directory");
      }
      return disk;
    }
  }

  private final SimScheduler scheduler = new SimScheduler(1);
  private final Files files = new Files();
  private final DeviceMapper mapper = new DeviceMapper(scheduler, files, TargetTypes.standard());
  private final ManualDisk vm1 = new ManualDisk("vm1", 64);
  private final ManualDisk file = new ManualDisk("/srv/x.img", 64);

  @BeforeEach
  void devices() throws TableException {
    mapper.addVolume("vm1", vm1);
    files.disks.put("/srv/x.img", file);
    files.links.put("/srv/link", "/srv/x.img");
  }

  @Test
  void createsLoadsAndResumesInOneCall() throws TableException {
    MappedDevice device = value(mapper.create("lun", "0 64 linear vm1 0"));

    assertThat(device.sectors()).isEqualTo(64);
    assertThat(device.name()).isEqualTo("lun");
    assertThat(mapper.ls()).containsExactly("lun");
    assertThat(mapper.device("lun")).isSameAs(device);
    assertThat(mapper.table("lun")).isEqualTo("0 64 linear vm1 0");
    assertThat(mapper.status("lun")).isEqualTo("0 64 linear ");
    Ended write = new Ended();
    device.submit(Io.write(5, filled(1, 7), false, write));
    write.isDone();
    assertThat(vm1.bytes()[5 * 512]).isEqualTo((byte) 7);
  }

  @Test
  void leavesNothingOfARefusedCreate() throws TableException {
    assertThat(refusal(mapper.create("lun", "0 8 linear /srv/x.img 0\n8 8 linear vm1 60")))
        .isEqualTo("line 2: linear: vm1 too small for target: start=60, len=8, dev_size=64");

    assertThat(mapper.ls()).isEmpty();
    assertThat(file.closes).isOne();
    done(mapper.removeVolume("vm1"));
  }

  @Test
  void refusesNames() {
    value(mapper.create("lun"));

    assertThat(refusal(mapper.create("lun"))).startsWith("Device or resource busy: lun exists");
    assertThat(refusal(mapper.create("vm1"))).startsWith("Device or resource busy: vm1 exists");
    for (String bad : List.of("", "a/b", "a b", ".", "..", "x".repeat(128), "a\u0007")) {
      assertThat(refusal(mapper.create(bad))).as(bad).startsWith("Invalid argument: ");
    }
    assertThat(refusal(mapper.suspend("nobody", SuspendMode.FLUSH)))
        .isEqualTo("No such device or address: nobody");
    assertThatThrownBy(() -> mapper.table("vm1")).hasMessage("No such device or address: vm1");
  }

  @Test
  void refusesTablesByLine() {
    value(mapper.create("lun"));

    assertThat(refusal(mapper.load("lun", "0 8 zero\n8 8 nosuch")))
        .isEqualTo(
            "line 2: nosuch: unknown target type; there are delay, error, flakey, linear, snapshot,"
                + " snapshot-merge, snapshot-origin, zero");
    assertThat(refusal(mapper.load("lun", "0 8 linear /srv/none 0")))
        .isEqualTo("line 1: linear: Device lookup failed: /srv/none: No such file or directory");
    assertThat(refusal(mapper.resume("lun")))
        .isEqualTo("Invalid argument: no table loaded for lun");
  }

  @Test
  void opensAFileOnceWhateverNamesIt() throws TableException {
    value(mapper.create("a", "0 8 linear /srv/x.img 0"));
    value(mapper.create("b", "0 8 linear /srv/link 8"));

    assertThat(files.opens).isOne();
    assertThat(mapper.table("b")).isEqualTo("0 8 linear /srv/link 8");
    done(mapper.remove("a"));
    assertThat(file.closes).isZero();
    done(mapper.remove("b"));
    assertThat(file.closes).isOne();
  }

  @Test
  void aVolumeNamedByItsPathIsTheVolume() throws TableException {
    mapper.addVolume("x", file);

    value(mapper.create("a", "0 8 linear /srv/link 0"));

    assertThat(files.opens).isZero();
    assertThatThrownBy(() -> mapper.addVolume("y", file))
        .hasMessageStartingWith("Device or resource busy");
  }

  @Test
  void aFileThatIsBeingClosedIsBusy() {
    file.closeWaits = true;
    value(mapper.create("a", "0 8 linear /srv/x.img 0"));

    CompletionStage<?> removed = mapper.remove("a");

    assertThat(removed.toCompletableFuture()).isNotDone();
    assertThat(refusal(mapper.create("b", "0 8 linear /srv/x.img 0"))).contains("is being removed");
    file.closed.complete(null);
    assertThat(removed.toCompletableFuture()).isCompleted();
    value(mapper.create("b", "0 8 linear /srv/x.img 0"));
  }

  @Test
  void refusesToRemoveWhatIsInUse() throws TableException {
    value(mapper.create("lower", "0 64 linear vm1 0"));
    value(mapper.create("upper", "0 64 linear lower 0"));

    assertThat(refusal(mapper.remove("lower")))
        .isEqualTo("Device or resource busy: lower is in use");
    assertThat(refusal(mapper.removeVolume("vm1"))).startsWith("Device or resource busy");
    assertThat(mapper.info("lower").openCount()).isOne();

    done(mapper.remove("upper"));
    OpenDevice open = mapper.open("lower");
    assertThat(refusal(mapper.remove("lower"))).startsWith("Device or resource busy");
    open.close();
    open.close();
    done(mapper.remove("lower"));
    done(mapper.removeVolume("vm1"));
    assertThat(vm1.closes).isOne();
    assertThat(mapper.ls()).isEmpty();
  }

  @Test
  void refusesADeviceThatIsMadeOfItself() throws TableException {
    value(mapper.create("lower", "0 64 linear vm1 0"));
    value(mapper.create("upper", "0 64 linear lower 0"));

    assertThat(refusal(mapper.load("lower", "0 64 linear upper 0")))
        .isEqualTo("line 1: linear: Device lookup failed: Too many levels: upper is made of lower");
    assertThat(refusal(mapper.load("lower", "0 64 linear lower 0"))).contains("Too many levels");
    assertThat(mapper.info("upper").openCount()).isZero();
  }

  @Test
  void renamesWhereverItIsInUse() throws TableException {
    value(mapper.create("lower", "0 64 linear vm1 0"));
    value(mapper.create("upper", "0 64 linear lower 0"));

    done(mapper.rename("lower", "base"));

    assertThat(mapper.table("upper")).isEqualTo("0 64 linear base 0");
    assertThat(refusal(mapper.rename("base", "upper"))).startsWith("Device or resource busy");
    assertThat(refusal(mapper.rename("lower", "x"))).startsWith("No such device");
    value(mapper.create("lower", "0 8 zero"));
  }

  @Test
  void changesTheTableUnderWay() throws TableException {
    MappedDevice device = value(mapper.create("lun", "0 8 linear vm1 0"));
    done(mapper.load("lun", "0 8 linear vm1 0\n8 8 linear /srv/x.img 0"));

    assertThat(mapper.table("lun")).isEqualTo("0 8 linear vm1 0");
    assertThat(mapper.inactiveTable("lun")).isEqualTo("0 8 linear vm1 0\n8 8 linear /srv/x.img 0");
    assertThat(mapper.info("lun").text())
        .isEqualTo(
            """
            Name:              lun
            State:             ACTIVE
            Read Ahead:        0
            Tables present:    LIVE & INACTIVE
            Open count:        0
            Event number:      0
            Major, minor:      253, 0
            Number of targets: 1

            """);

    done(mapper.resume("lun"));

    assertThat(device.sectors()).isEqualTo(16);
    assertThat(mapper.inactiveTable("lun")).isEmpty();
    done(mapper.reload("lun", "0 8 zero"));
    assertThat(file.closes).isOne();
    done(mapper.load("lun", "0 8 linear /srv/x.img 0"));
    done(mapper.clear("lun"));
    assertThat(file.closes).isEqualTo(2);
  }

  @Test
  void checksAlignmentOfTheWholeTable() {
    vm1.limits(vm1.limits().withBlockSizes(4096, 4096));

    assertThat(refusal(mapper.create("a", "0 8 linear vm1 4")))
        .isEqualTo("line 1: linear: start=4 not aligned to h/w logical block size 4096 of vm1");
    assertThat(refusal(mapper.create("a", "0 4 linear /srv/x.img 0\n4 8 linear vm1 0")))
        .isEqualTo("line 1: linear: start and length not aligned to h/w logical block size 4096");
  }

  @Test
  void listsTargetTypes() {
    assertThat(mapper.targets())
        .extracting(TargetType::name)
        .containsExactly(
            "delay",
            "error",
            "flakey",
            "linear",
            "snapshot",
            "snapshot-merge",
            "snapshot-origin",
            "zero");
    assertThat(mapper.targets())
        .allSatisfy(type -> assertThat(type.version()).matches("v\\d+\\.\\d+\\.\\d+"));
  }

  @Test
  void refusesMessages() {
    value(mapper.create("lun", "0 8 zero"));

    assertThat(refusal(mapper.message("lun", 8, List.of("x"))))
        .isEqualTo("Invalid argument: Target message sector outside device.");
    assertThat(refusal(mapper.message("lun", 0, List.of())))
        .isEqualTo("Invalid argument: Empty message received.");
    assertThat(refusal(mapper.message("lun", 0, List.of("x")))).contains("unknown message");
  }
}
