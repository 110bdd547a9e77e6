// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.function.Consumer;
import org.anabranch.block.Io;
import org.anabranch.scsi.api.Sense;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.api.UnitLatency;
import org.anabranch.scsi.data.Cdb;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.rate.Traffic;
import org.anabranch.scsi.unit.Access;
import org.anabranch.scsi.unit.Command;
import org.anabranch.scsi.unit.LogicalUnit;

/**
 * READ (6), (10), (12) and (16) (SBC-3 5.12). One Io, straight into the transport's buffer. DPO is
 * only a hint, and ignored. With FUA the data read must be on stable storage, so the read is
 * followed by a flush.
 */
final class ReadCommands {
  private ReadCommands() {}

  static void add(Consumer<Command> table) {
    table.accept(read("READ (6)", "08 1f ff ff ff 00"));
    table.accept(read("READ (10)", "28 18 ff ff ff ff 1f ff ff 00"));
    table.accept(read("READ (12)", "a8 18 ff ff ff ff ff ff ff ff 1f 00"));
    table.accept(read("READ (16)", "88 18 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00"));
  }

  private static Command read(String name, String usage) {
    return new Command(name, usage)
        .access(Access.READ)
        .traits(Command.Trait.MEDIUM)
        .measuredAs(UnitLatency.READ)
        .moves(Traffic.READ, LogicalUnit::movedBytes)
        .dataIn(LogicalUnit::transferBytes)
        .runs(ReadCommands::read);
  }

  private static void read(LogicalUnit unit, Task task) throws CheckCondition {
    byte[] cdb = task.cdb();
    long lba = Cdb.lba(cdb);
    int blocks = unit.transferBlocks(cdb);
    unit.checkRange(lba, blocks);
    if (blocks == 0) {
      unit.good(task);
      return;
    }
    int length = blocks * unit.blockSize();
    ByteBuffer into = Objects.requireNonNull(task.dataIn(), "no buffer for data-in");
    if (into.remaining() != length) {
      into = into.slice(into.position(), length);
    }
    boolean durable = Cdb.fua(cdb) && unit.modes().isWriteCacheEnabled();
    unit.device()
        .submit(
            Io.read(
                unit.sectors(lba),
                into,
                (io, error) -> {
                  if (error != null) {
                    unit.check(task, Sense.ofRead(error, unit.badBlock(error, lba, blocks)));
                  } else if (durable) {
                    flush(unit, task, lba, length);
                  } else {
                    unit.good(task, length);
                  }
                }));
  }

  private static void flush(LogicalUnit unit, Task task, long lba, int length) {
    unit.device()
        .submit(
            Io.flush((io, error) -> {
              if (error == null) {
                unit.good(task, length);
              } else {
                unit.check(task, Sense.ofWrite(error, lba));
              }
            }));
  }
}
