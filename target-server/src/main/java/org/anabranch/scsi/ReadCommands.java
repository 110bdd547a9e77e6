// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

import java.nio.ByteBuffer;
import java.util.Objects;
import org.anabranch.block.Io;

/**
 * READ (6), (10), (12) and (16) (SBC-3 5.12). One Io, straight into the transport's buffer. DPO is
 * taken as the hint that it is. FUA is met by every read: what a read returns that is still in a
 * volatile cache was written by somebody who was told so.
 */
final class ReadCommands {
  private ReadCommands() {}

  static void add(CommandTable table) {
    table.add(read("READ (6)", "08 1f ff ff ff 00"));
    table.add(read("READ (10)", "28 18 ff ff ff ff 1f ff ff 00"));
    table.add(read("READ (12)", "a8 18 ff ff ff ff ff ff ff ff 1f 00"));
    table.add(read("READ (16)", "88 18 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00"));
  }

  private static Command read(String name, String usage) {
    return new Command(name, usage)
        .access(Command.Access.READ)
        .traits(Command.Trait.MEDIUM)
        .dataIn(Cdb::transferBytes)
        .runs(ReadCommands::read);
  }

  private static void read(LogicalUnit unit, Task task) throws CheckCondition {
    byte[] cdb = task.cdb();
    long lba = Cdb.lba(cdb);
    int blocks = Cdb.transferBlocks(unit, cdb);
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
    unit.device()
        .submit(
            Io.read(
                unit.sectors(lba),
                into,
                (io, error) -> {
                  if (error == null) {
                    unit.good(task, length);
                  } else {
                    unit.check(task, Sense.of(error, false, unit.badBlock(error, lba, blocks)));
                  }
                }));
  }
}
