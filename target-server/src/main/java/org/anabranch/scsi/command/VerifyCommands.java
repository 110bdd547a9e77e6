// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import java.nio.ByteBuffer;
import java.util.function.Consumer;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.scsi.api.Sense;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.api.UnitLatency;
import org.anabranch.scsi.data.Cdb;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.rate.Traffic;
import org.anabranch.scsi.unit.Access;
import org.anabranch.scsi.unit.Command;
import org.anabranch.scsi.unit.LogicalUnit;
import org.anabranch.scsi.unit.RangeLocks;
import org.jspecify.annotations.Nullable;

/**
 * VERIFY and WRITE AND VERIFY (10), (12) and (16) (SBC-3 5.30 to 5.32, 5.47 to 5.49).
 *
 * <pre>
 *   BYTCHK   data-out       compared with the medium    VERIFY   WRITE AND VERIFY
 *   00b      none / all     nothing: it can be read     yes      yes
 *   01b      all blocks     all of it                   yes      yes
 *   10b                                                 -        -
 *   11b      one block      that one, each time         yes      -
 * </pre>
 *
 * WRITE AND VERIFY writes through to the medium before it reads back.
 */
final class VerifyCommands {
  private static final int NO_COMPARE = 0;
  private static final int ALL = 1;
  private static final int ONE_BLOCK = 3;

  private VerifyCommands() {}

  static void add(Consumer<Command> table) {
    table.accept(verify("VERIFY (10)", "2f 16 ff ff ff ff 1f ff ff 00"));
    table.accept(verify("VERIFY (12)", "af 16 ff ff ff ff ff ff ff ff 1f 00"));
    table.accept(verify("VERIFY (16)", "8f 16 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00"));
    table.accept(writeAndVerify("WRITE AND VERIFY (10)", "2e 16 ff ff ff ff 1f ff ff 00"));
    table.accept(writeAndVerify("WRITE AND VERIFY (12)", "ae 16 ff ff ff ff ff ff ff ff 1f 00"));
    table.accept(
        writeAndVerify("WRITE AND VERIFY (16)", "8e 16 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00"));
  }

  private static Command verify(String name, String usage) {
    return new Command(name, usage)
        .access(Access.READ)
        .traits(Command.Trait.MEDIUM)
        .timeout(60)
        .moves(Traffic.READ, LogicalUnit::movedBytes)
        .dataOut(VerifyCommands::verifyBytes)
        .runs(VerifyCommands::verify);
  }

  private static Command writeAndVerify(String name, String usage) {
    return new Command(name, usage)
        .traits(Command.Trait.MEDIUM, Command.Trait.WRITES)
        .measuredAs(UnitLatency.WRITE)
        .moves(Traffic.WRITE, LogicalUnit::movedBytes)
        .timeout(60)
        .dataOut(LogicalUnit::transferBytes)
        .runs(VerifyCommands::writeAndVerify);
  }

  private static int byteCheck(byte[] cdb) {
    return cdb[1] >> 1 & 3;
  }

  private static long verifyBytes(LogicalUnit unit, byte[] cdb) {
    return switch (byteCheck(cdb)) {
      case ALL -> unit.transferBytes(cdb);
      case ONE_BLOCK -> Cdb.blocks(cdb) == 0 ? 0 : unit.blockSize();
      default -> 0;
    };
  }

  private static void verify(LogicalUnit unit, Task task) throws CheckCondition {
    byte[] cdb = task.cdb();
    int check = byteCheck(cdb);
    if (check == 2) {
      throw CheckCondition.inCdb(1, 2);
    }
    long lba = Cdb.lba(cdb);
    int blocks = unit.transferBlocks(cdb);
    unit.checkRange(lba, blocks);
    if (blocks == 0) {
      unit.good(task);
      return;
    }
    ByteBuffer data = check == NO_COMPARE ? null : task.dataOut();
    compare(
        unit,
        task,
        lba,
        lba + blocks,
        data,
        check == ONE_BLOCK ? Comparison.Data.ONE_BLOCK : Comparison.Data.ALL_BLOCKS,
        sense -> unit.end(task, sense));
  }

  /** Compares the medium with data, using scratch memory. */
  static void compare(
      LogicalUnit unit,
      Task task,
      long lba,
      long end,
      @Nullable ByteBuffer data,
      Comparison.Data kind,
      Consumer<@Nullable Sense> done) {
    unit.scratch()
        .borrow(scratch ->
            new Comparison(
                    unit,
                    task,
                    lba,
                    end,
                    data,
                    kind,
                    scratch,
                    sense -> {
                      unit.scratch().giveBack(scratch);
                      done.accept(sense);
                    })
                .run());
  }

  private static void writeAndVerify(LogicalUnit unit, Task task) throws CheckCondition {
    byte[] cdb = task.cdb();
    int check = byteCheck(cdb);
    if (check > ALL) {
      throw CheckCondition.inCdb(1, 2);
    }
    long lba = Cdb.lba(cdb);
    int blocks = unit.transferBlocks(cdb);
    unit.checkRange(lba, blocks);
    ByteBuffer data = task.dataOut();
    if (data == null || blocks == 0) {
      unit.good(task);
      return;
    }
    long end = lba + blocks;
    unit.acquire(
        task,
        lba,
        end,
        RangeLocks.Mode.SHARED,
        hold ->
            unit.device()
                .submit(
                    Io.write(
                        unit.sectors(lba),
                        data,
                        true,
                        (io, error) ->
                            written(
                                unit, task, lba, end, check == ALL ? data : null, hold, error))));
  }

  private static void written(
      LogicalUnit unit,
      Task task,
      long lba,
      long end,
      @Nullable ByteBuffer data,
      RangeLocks.Hold hold,
      @Nullable IoError error) {
    if (error != null) {
      hold.release();
      unit.check(task, Sense.ofWrite(error, unit.badBlock(error, lba, end - lba)));
      return;
    }
    compare(
        unit,
        task,
        lba,
        end,
        data,
        Comparison.Data.ALL_BLOCKS,
        sense -> {
          hold.release();
          unit.end(task, sense);
        });
  }
}
