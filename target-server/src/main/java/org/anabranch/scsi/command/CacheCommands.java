// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import java.util.function.Consumer;
import org.anabranch.block.Io;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.data.Cdb;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.unit.Access;
import org.anabranch.scsi.unit.Command;
import org.anabranch.scsi.unit.LogicalUnit;

/**
 * SYNCHRONIZE CACHE (10) and (16) (SBC-3 5.27), PRE-FETCH (10) and (16) (SBC-3 5.8).
 *
 * <p>SYNCHRONIZE CACHE flushes the whole device, whatever its range, since the device has no
 * smaller unit. SYNC_NV, which older initiators set, is treated like a full synchronize. With IMMED
 * the command ends at once, and the next one reports an error. PRE-FETCH checks its range and
 * leaves caching to the page cache. It ends with GOOD rather than CONDITION MET, since the blocks
 * are not known to be in the cache.
 */
final class CacheCommands {
  private CacheCommands() {}

  static void add(Consumer<Command> table) {
    table.accept(synchronize("SYNCHRONIZE CACHE (10)", "35 06 ff ff ff ff 1f ff ff 00"));
    table.accept(
        synchronize("SYNCHRONIZE CACHE (16)", "91 06 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00"));
    table.accept(prefetch("PRE-FETCH (10)", "34 02 ff ff ff ff 1f ff ff 00"));
    table.accept(prefetch("PRE-FETCH (16)", "90 02 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00"));
  }

  private static Command synchronize(String name, String usage) {
    return new Command(name, usage)
        .traits(Command.Trait.MEDIUM)
        .timeout(120)
        .runs(CacheCommands::synchronize);
  }

  private static Command prefetch(String name, String usage) {
    return new Command(name, usage)
        .access(Access.READ)
        .traits(Command.Trait.MEDIUM)
        .runs(CacheCommands::prefetch);
  }

  private static void synchronize(LogicalUnit unit, Task task) throws CheckCondition {
    byte[] cdb = task.cdb();
    long lba = Cdb.lba(cdb);
    unit.checkRange(lba, Cdb.blocks(cdb));
    boolean immediate = BigEndian.bit(cdb, 1, 1);
    if (immediate) {
      unit.device().submit(Io.flush((io, error) -> {}));
      unit.good(task);
    } else {
      unit.device().submit(Io.flush((io, error) -> unit.finishWrite(task, error, lba)));
    }
  }

  private static void prefetch(LogicalUnit unit, Task task) throws CheckCondition {
    unit.checkRange(Cdb.lba(task.cdb()), Cdb.blocks(task.cdb()));
    unit.good(task);
  }
}
