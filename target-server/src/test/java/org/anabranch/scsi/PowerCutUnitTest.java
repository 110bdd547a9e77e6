// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.anabranch.block.Limits;
import org.anabranch.block.dm.SuspendMode;
import org.anabranch.block.sim.Choices;
import org.anabranch.block.sim.Machine;
import org.anabranch.block.sim.QuietLog;
import org.anabranch.block.sim.SimDisk;
import org.anabranch.block.sim.SimScheduler;
import org.anabranch.block.sim.Trace;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * What does a unit with its write cache on owe its initiator after a power cut? Every block reads
 * as what was written there before a SYNCHRONIZE CACHE that ended well, or with FUA, or as
 * something written later; whether the unit stands on an origin with a snapshot, on that snapshot,
 * or on a merge. The disks lose whatever they may.
 */
@ExtendWith(QuietLog.class)
final class PowerCutUnitTest {
  private static final int BLOCKS = 48;
  private static final int COMMANDS = 24;
  private static final int SEEDS = 60;

  private enum Kind {
    ORIGIN,
    SNAPSHOT,
    MERGE
  }

  /** One run: a machine with a volume and a snapshot, and what the unit may read as. */
  private static final class Run {
    private final SplittableRandom random;
    private final Kind kind;
    private final List<Integer> durable = new ArrayList<>();
    private final List<List<Integer>> since = new ArrayList<>();
    private int number;

    Run(long seed, Kind kind) {
      this.random = new SplittableRandom(seed);
      this.kind = kind;
      for (int i = 0; i < BLOCKS; i++) {
        durable.add(0);
        since.add(new ArrayList<>());
      }
    }

    /** Whether the power was cut before all was done. */
    boolean run(Disks disks) {
      Machine machine = new Machine(random.nextLong(), Trace.NONE);
      disks.change(machine.addDisk("vol", BLOCKS, Limits.DEFAULT));
      disks.change(machine.addDisk("cow", 256, Limits.DEFAULT));
      boolean cut = false;
      SimulatedUnit lun = up(machine, Kind.ORIGIN);
      try {
        use(lun, COMMANDS / 2);
        synchronize(lun);
        begin(machine);
        machine.scheduler().cutPowerAfter(random.nextInt(80));
        use(new SimulatedUnit(machine, unit(kind)), COMMANDS);
      } catch (SimScheduler.PowerCut now) {
        cut = true;
      }
      Machine after =
          machine.afterPowerCut(
              random.nextLong(),
              random.nextBoolean() ? Choices.always(0) : Choices.random(random.split()));
      verify(up(after, kind));
      return cut;
    }

    private static String unit(Kind kind) {
      return kind == Kind.SNAPSHOT ? "snap" : "lun";
    }

    /** Brings both devices up. */
    private static SimulatedUnit up(Machine machine, Kind kind) {
      if (kind != Kind.MERGE) {
        create(machine, "snap", "snapshot vol cow P 2");
      }
      create(
          machine,
          "lun",
          kind == Kind.MERGE ? "snapshot-merge vol cow P 2" : "snapshot-origin vol");
      return new SimulatedUnit(machine, unit(kind));
    }

    private static void create(Machine machine, String name, String table) {
      machine.await(machine.mapper().create(name, "0 " + BLOCKS + " " + table), name);
    }

    /**
     * The unit becomes what it is to be; for a merge, the volume was written since the snapshot.
     */
    private void begin(Machine machine) {
      if (kind == Kind.ORIGIN) {
        return;
      }
      for (int i = 0; i < BLOCKS; i++) {
        durable.set(i, 0);
        since.get(i).clear();
      }
      if (kind == Kind.MERGE) {
        String table = "0 " + BLOCKS + " snapshot-merge vol cow P 2";
        machine.await(machine.mapper().load("lun", table), "load");
        machine.await(machine.mapper().suspend("snap", SuspendMode.FLUSH), "suspend");
        machine.await(machine.mapper().resume("lun"), "resume");
        machine.await(machine.mapper().remove("snap"), "remove");
      }
    }

    private void use(SimulatedUnit unit, int commands) {
      for (int i = 0; i < commands; i++) {
        int kind = random.nextInt(10);
        if (kind < 2) {
          synchronize(unit);
        } else if (kind < 4) {
          int lba = random.nextInt(BLOCKS);
          check(unit, lba, Math.min(1 + random.nextInt(8), BLOCKS - lba));
        } else {
          write(unit, kind < 6);
        }
      }
    }

    private void write(SimulatedUnit unit, boolean fua) {
      int lba = random.nextInt(BLOCKS);
      int count = Math.min(1 + random.nextInt(8), BLOCKS - lba);
      ByteBuffer data = ByteBuffer.allocate(count * 512);
      for (int i = 0; i < count; i++) {
        since.get(lba + i).add(++number);
        data.putInt(i * 512, number).putInt(i * 512 + 508, number);
      }
      unit.send(cdb(fua ? "2a 08" : "2a 00", lba, count), data.array()).isGood();
      if (fua) {
        settle(lba, count);
      }
    }

    private void synchronize(SimulatedUnit unit) {
      unit.send("35 00 00 00 00 00 00 00 00 00").isGood();
      settle(0, BLOCKS);
    }

    /** What the blocks hold now is durable. */
    private void settle(int lba, int count) {
      for (int i = lba; i < lba + count; i++) {
        if (!since.get(i).isEmpty()) {
          durable.set(i, since.get(i).getLast());
          since.get(i).clear();
        }
      }
    }

    /** A running unit reads as what was written last. */
    private void check(SimulatedUnit unit, int lba, int count) {
      int[] found = read(unit, lba, count);
      for (int i = 0; i < count; i++) {
        List<Integer> later = since.get(lba + i);
        assertThat(found[i])
            .as("block %d", lba + i)
            .isEqualTo(later.isEmpty() ? durable.get(lba + i) : later.getLast());
      }
    }

    private void verify(SimulatedUnit unit) {
      int[] found = read(unit, 0, BLOCKS);
      for (int i = 0; i < BLOCKS; i++) {
        List<Integer> possible = new ArrayList<>(since.get(i));
        possible.add(durable.get(i));
        assertThat(found[i]).as("block %d of the %s", i, kind).isIn(possible);
      }
    }

    private static int[] read(SimulatedUnit unit, int lba, int count) {
      Lab.Result result = unit.send(cdb("28 00", lba, count));
      result.isGood();
      ByteBuffer data = ByteBuffer.wrap(result.data());
      int[] numbers = new int[count];
      for (int i = 0; i < count; i++) {
        numbers[i] = data.getInt(i * 512);
        assertThat(data.getInt(i * 512 + 508)).as("torn block").isEqualTo(numbers[i]);
      }
      return numbers;
    }

    private static String cdb(String start, int lba, int count) {
      return String.format("%s 00 00 00 %02x 00 00 %02x 00", start, lba, count);
    }
  }

  /** Changes the disks before they are used. */
  private interface Disks {
    void change(SimDisk disk);
  }

  private static int run(Disks disks) {
    int cuts = 0;
    for (long seed = 0; seed < SEEDS; seed++) {
      for (Kind kind : Kind.values()) {
        try {
          cuts += new Run(seed, kind).run(disks) ? 1 : 0;
        } catch (AssertionError e) {
          throw new AssertionError("seed " + seed + ", " + kind + ": " + e.getMessage(), e);
        }
      }
    }
    return cuts;
  }

  @Test
  void whatWasPromisedIsThere() {
    assertThat(run(disk -> {})).as("power cuts under I/O").isGreaterThan(SEEDS);
  }

  @Test
  void disksThatLieAreFoundOut() {
    assertThatThrownBy(() -> run(SimDisk::ignoreFlush))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("block");
  }
}
