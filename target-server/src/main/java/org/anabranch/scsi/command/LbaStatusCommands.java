// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import java.nio.ByteBuffer;
import java.util.function.Consumer;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.scsi.api.Sense;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.data.Cdb;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.unit.Access;
import org.anabranch.scsi.unit.Command;
import org.anabranch.scsi.unit.IoSequence;
import org.anabranch.scsi.unit.LogicalUnit;
import org.jspecify.annotations.Nullable;

/**
 * GET LBA STATUS (SBC-3 5.4): reports which blocks are mapped, as the device knows it. Adjacent
 * blocks of the same state share a descriptor. A block that is allocated in part is reported as
 * mapped. On a unit that does not report allocation all blocks are mapped.
 */
final class LbaStatusCommands {
  private static final int HEADER = 8;
  private static final int DESCRIPTOR = 16;
  private static final int MAPPED = 0;
  private static final int DEALLOCATED = 1;

  /** The most requests to the device for one command. Beyond that the reply ends early. */
  private static final int MAX_QUESTIONS = 1024;

  private LbaStatusCommands() {}

  static void add(Consumer<Command> table) {
    table.accept(
        new Command("GET LBA STATUS", "9e 12 ff ff ff ff ff ff ff ff ff ff ff ff 00 00")
            .byServiceAction()
            .access(Access.READ)
            .traits(Command.Trait.MEDIUM)
            .dataIn((unit, cdb) -> Math.min(BigEndian.u32(cdb, 10), LogicalUnit.MAX_PARAMETERS))
            .runs(LbaStatusCommands::status));
  }

  private static void status(LogicalUnit unit, Task task) throws CheckCondition {
    long lba = Cdb.lba(task.cdb());
    unit.checkRange(lba, 1);
    new Questions(unit, task, lba).run();
  }

  /** Requests the state of extent after extent until the reply is full or the medium ends. */
  private static final class Questions extends IoSequence {
    private final LogicalUnit unit;
    private final Task task;
    private final long end;
    private final int most;
    private final ByteBuffer reply;
    private long lba;
    private int asked;

    /** The extent that grows: where it begins, and whether it is mapped. */
    private long extent;

    private boolean mapped;

    Questions(LogicalUnit unit, Task task, long lba) {
      this.unit = unit;
      this.task = task;
      this.lba = lba;
      extent = lba;
      end = unit.blocks();
      most = Math.max(1, (task.dataInLength() - HEADER) / DESCRIPTOR);
      reply = ByteBuffer.allocate(HEADER + most * DESCRIPTOR).position(HEADER);
    }

    @Override
    protected BlockDevice device() {
      return unit.device();
    }

    @Override
    protected @Nullable Io next() {
      if (!unit.reportsAllocation()) {
        mapped = true;
        lba = end;
      }
      if (lba == end || !hasRoom() || asked == MAX_QUESTIONS) {
        return null;
      }
      asked++;
      return Io.blockStatus(unit.sectors(lba), unit.sectors(end - lba), this);
    }

    private boolean hasRoom() {
      return reply.remaining() >= DESCRIPTOR;
    }

    @Override
    protected @Nullable Sense succeeded(Io io) {
      // Rounds what is not mapped down to whole blocks, and what is mapped up.
      boolean isMapped = io.allocated();
      long blocks = unit.toBlocks(io.statusSectors());
      if (!isMapped && blocks == 0) {
        isMapped = true;
      }
      if (isMapped && unit.sectors(blocks) < io.statusSectors()) {
        blocks++;
      }
      blocks = Math.min(Math.max(1, blocks), end - lba);
      if (lba > extent && isMapped != mapped) {
        close();
      }
      mapped = isMapped;
      lba += blocks;
      return null;
    }

    /** Adds the extent that ends at lba to the reply, cut to 2^32 - 1 blocks. */
    private void close() {
      while (extent < lba && hasRoom()) {
        long blocks = Math.min(lba - extent, 0xffff_ffffL);
        reply.putLong(extent);
        reply.putInt((int) blocks);
        reply.put((byte) (mapped ? MAPPED : DEALLOCATED));
        reply.position(reply.position() + 3);
        extent += blocks;
      }
    }

    @Override
    protected Sense failed(Io io, IoError error) {
      return Sense.ofRead(error, lba);
    }

    @Override
    protected void ended(@Nullable Sense sense) {
      if (sense != null) {
        unit.check(task, sense);
        return;
      }
      close();
      reply.putInt(0, reply.position() - 4);
      byte[] data = new byte[reply.position()];
      reply.get(0, data);
      unit.reply(task, data);
    }
  }
}
