// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.anabranch.block.Io;
import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.data.Parameters;
import org.anabranch.scsi.unit.Access;
import org.anabranch.scsi.unit.Command;
import org.anabranch.scsi.unit.LogicalUnit;
import org.anabranch.scsi.unit.ModePages;
import org.anabranch.scsi.unit.RangeLocks;

/** MODE SENSE and MODE SELECT (6) and (10) (SPC-4 6.9 to 6.12); the pages are {@link ModePages}. */
final class ModeCommands {
  private static final int ALL_PAGES = 0x3f;
  private static final int ALL_SUBPAGES = 0xff;
  private static final int CHANGEABLE = 1;
  private static final int SAVED = 3;

  private static final int WRITE_PROTECT = 0x80;
  private static final int DPOFUA = 0x10;

  private static final int HEADER_6 = 4;
  private static final int HEADER_10 = 8;

  private ModeCommands() {}

  static void add(Consumer<Command> table) {
    table.accept(
        new Command("MODE SENSE (6)", "1a 08 ff ff ff 00")
            .access(Access.READ)
            .traits(Command.Trait.DURING_SANITIZE, Command.Trait.IN_STANDBY)
            .dataIn((unit, cdb) -> BigEndian.u8(cdb, 4))
            .replies((unit, task) -> sense(unit, task, HEADER_6)));
    table.accept(
        new Command("MODE SENSE (10)", "5a 18 ff ff 00 00 00 ff ff 00")
            .access(Access.READ)
            .traits(Command.Trait.DURING_SANITIZE, Command.Trait.IN_STANDBY)
            .dataIn((unit, cdb) -> BigEndian.u16(cdb, 7))
            .replies((unit, task) -> sense(unit, task, HEADER_10)));
    table.accept(
        new Command("MODE SELECT (6)", "15 11 00 00 ff 00")
            .traits(Command.Trait.IN_STANDBY)
            .timeout(120)
            .dataOut((unit, cdb) -> BigEndian.u8(cdb, 4))
            .runs((unit, task) -> select(unit, task, HEADER_6)));
    table.accept(
        new Command("MODE SELECT (10)", "55 11 00 00 00 00 00 ff ff 00")
            .traits(Command.Trait.IN_STANDBY)
            .timeout(120)
            .dataOut((unit, cdb) -> BigEndian.u16(cdb, 7))
            .runs((unit, task) -> select(unit, task, HEADER_10)));
  }

  private static byte[] sense(LogicalUnit unit, Task task, int header) throws CheckCondition {
    byte[] cdb = task.cdb();
    boolean noDescriptors = BigEndian.bit(cdb, 1, 3);
    boolean longLba = header == HEADER_10 && BigEndian.bit(cdb, 1, 4);
    int control = BigEndian.u8(cdb, 2) >> 6;
    int code = BigEndian.u8(cdb, 2) & 0x3f;
    int subpage = BigEndian.u8(cdb, 3);
    if (control == SAVED) {
      throw new CheckCondition(SenseCode.SAVING_PARAMETERS_NOT_SUPPORTED);
    }
    ByteArrayOutputStream pages = new ByteArrayOutputStream();
    if (code == ALL_PAGES && (subpage == 0 || subpage == ALL_SUBPAGES)) {
      for (int each : ModePages.codes()) {
        pages.writeBytes(page(unit, each, control));
      }
    } else if (subpage == 0 || subpage == ALL_SUBPAGES) {
      pages.writeBytes(page(unit, code, control));
    } else {
      throw CheckCondition.inCdb(3, 7);
    }
    byte[] descriptor =
        noDescriptors ? new byte[0] : blockDescriptor(unit, longLba, control == CHANGEABLE);
    byte[] data = new byte[header + descriptor.length + pages.size()];
    boolean writeProtected = unit.isWriteProtectedFor(task);
    int parameters = WRITE_PROTECT * bit(writeProtected) | DPOFUA;
    if (header == HEADER_6) {
      data[0] = (byte) (data.length - 1);
      data[2] = (byte) parameters;
      data[3] = (byte) descriptor.length;
    } else {
      BigEndian.put16(data, 0, data.length - 2);
      data[3] = (byte) parameters;
      data[4] = (byte) bit(longLba);
      BigEndian.put16(data, 6, descriptor.length);
    }
    System.arraycopy(descriptor, 0, data, header, descriptor.length);
    System.arraycopy(pages.toByteArray(), 0, data, header + descriptor.length, pages.size());
    return data;
  }

  private static int bit(boolean set) {
    return set ? 1 : 0;
  }

  private static byte[] page(LogicalUnit unit, int code, int control) throws CheckCondition {
    byte[] page = unit.modes().page(code, control);
    if (page == null) {
      throw CheckCondition.inCdb(2, 5);
    }
    return page;
  }

  /** SBC-3 6.5.2: short or long LBA mode parameter block descriptor. */
  private static byte[] blockDescriptor(LogicalUnit unit, boolean longLba, boolean changeable) {
    byte[] descriptor = new byte[longLba ? 16 : 8];
    if (changeable) {
      return descriptor;
    }
    if (longLba) {
      BigEndian.put64(descriptor, 0, unit.blocks());
      BigEndian.put32(descriptor, 12, unit.blockSize());
    } else {
      BigEndian.put32(descriptor, 0, Math.min(unit.blocks(), 0xffff_ffffL));
      BigEndian.put24(descriptor, 5, unit.blockSize());
    }
    return descriptor;
  }

  private static void select(LogicalUnit unit, Task task, int header) throws CheckCondition {
    byte[] cdb = task.cdb();
    if (!BigEndian.bit(cdb, 1, 4)) {
      throw CheckCondition.inCdb(1, 4); // PF = 0: vendor specific pages.
    }
    if (BigEndian.bit(cdb, 1, 0)) {
      throw CheckCondition.inCdb(1, 0); // SP = 1: there is nowhere to save them.
    }
    byte[] list = Parameters.list(task);
    if (list.length == 0) {
      unit.good(task);
      return;
    }
    if (list.length < header) {
      throw new CheckCondition(SenseCode.PARAMETER_LIST_LENGTH_ERROR);
    }
    int descriptors = header == HEADER_6 ? BigEndian.u8(list, 3) : BigEndian.u16(list, 6);
    boolean longLba = header == HEADER_10 && BigEndian.bit(list, 4, 0);
    checkDescriptors(unit, list, header, descriptors, longLba);
    List<byte[]> pages = pages(unit, list, header + descriptors);
    boolean cached = isCaching(unit);
    boolean changed = false;
    for (byte[] page : pages) {
      changed |= unit.modes().select(page);
    }
    if (changed) {
      unit.attentions().addToAll(SenseCode.MODE_PARAMETERS_CHANGED, task.nexus());
    }
    if (cached && !isCaching(unit)) {
      flush(unit, task);
    } else {
      unit.good(task);
    }
  }

  /** Whether the cache may hold writes that have ended. */
  private static boolean isCaching(LogicalUnit unit) {
    return unit.modes().isWriteCacheEnabled() && !unit.modes().isSoftwareWriteProtected();
  }

  /**
   * With WCE = 0 all data written must be on the medium (SBC-3 6.5), and with SWP = 1 the cache
   * must be flushed first (SPC-4 7.5). That includes writes in progress, so all blocks are locked
   * for it.
   */
  private static void flush(LogicalUnit unit, Task task) {
    unit.acquire(
        task,
        0,
        Long.MAX_VALUE,
        RangeLocks.Mode.EXCLUSIVE,
        hold ->
            unit.device()
                .submit(
                    Io.flush((io, error) -> {
                      hold.release();
                      unit.finishWrite(task, error, 0);
                    })));
  }

  /** A block descriptor is accepted if it does not change anything. */
  private static void checkDescriptors(
      LogicalUnit unit, byte[] list, int header, int length, boolean longLba)
      throws CheckCondition {
    if (length == 0) {
      return;
    }
    if (length != (longLba ? 16 : 8)) {
      throw CheckCondition.inParameters(header == HEADER_6 ? 3 : 6, 7);
    }
    if (list.length < header + length) {
      throw new CheckCondition(SenseCode.PARAMETER_LIST_LENGTH_ERROR);
    }
    long blocks = longLba ? BigEndian.u64(list, header) : BigEndian.u32(list, header);
    long size = longLba ? BigEndian.u32(list, header + 12) : BigEndian.u24(list, header + 5);
    if (blocks != 0 && blocks != unit.blocks() && (longLba || blocks != 0xffff_ffffL)) {
      throw CheckCondition.inParameters(header, 7);
    }
    if (size != 0 && size != unit.blockSize()) {
      throw CheckCondition.inParameters(header + (longLba ? 12 : 5), 7);
    }
  }

  /** Checks all pages before any is changed. */
  private static List<byte[]> pages(LogicalUnit unit, byte[] list, int from) throws CheckCondition {
    List<byte[]> pages = new ArrayList<>();
    int at = from;
    while (at < list.length) {
      if (list.length - at < 2 || list.length - at < 2 + BigEndian.u8(list, at + 1)) {
        throw new CheckCondition(SenseCode.PARAMETER_LIST_LENGTH_ERROR);
      }
      if (BigEndian.bit(list, at, 6)) {
        throw CheckCondition.inParameters(at, 6); // SPF: there are no subpages.
      }
      byte[] page = Arrays.copyOfRange(list, at, at + 2 + BigEndian.u8(list, at + 1));
      page[0] &= 0x3f;
      int refused = unit.modes().firstRefused(page);
      if (refused >= 0) {
        throw CheckCondition.inParameters(at + refused);
      }
      pages.add(page);
      at += page.length;
    }
    return pages;
  }
}
