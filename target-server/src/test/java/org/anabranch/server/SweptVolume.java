// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.ScsiException;
import org.anabranch.initiator.Sense;
import org.jspecify.annotations.Nullable;

/**
 * A volume of its own for one fault, made at run time as a LUN, and what each of its sectors may
 * read as: a write that failed leaves the old value, the new one, or a part of each. One thread.
 */
final class SweptVolume {
  static final int SECTORS = 512;
  static final int OLD = 1;
  private static final long PATIENCE = 40;

  final Site site;
  final String name;
  final int lun;
  private Disk disk;

  /** For each sector a set of values, as bits. */
  private final int[] allowed = new int[SECTORS];

  private @Nullable String failed;

  private SweptVolume(Site site, String name, int lun, Disk disk) {
    this.site = site;
    this.name = name;
    this.lun = lun;
    this.disk = disk;
  }

  /** Makes a volume of {@value #SECTORS} sectors that all have {@value #OLD}, durably. */
  static SweptVolume make(Site site, Site.Host host, String target, int lun) throws Exception {
    String name = "v" + lun;
    site.ask("volume create", Map.of("name", name, "bytes", (long) SECTORS << 9));
    site.ask("lun add", Map.of("target", target, "number", lun, "device", name));
    SweptVolume volume = new SweptVolume(site, name, lun, host.disk(lun));
    volume.write(0, SECTORS, OLD);
    volume.flush();
    assertThat(volume.failure()).as("before the fault").isNull();
    return volume;
  }

  String snapshot() {
    return name + "@s";
  }

  Disk disk() {
    return disk;
  }

  /** What the first failed command of the initiator said; null: none failed. */
  @Nullable String failure() {
    return failed;
  }

  /** The server was started again: the LUN is in another session, and nothing has failed yet. */
  void reopen(Site.Host host) throws Exception {
    disk = host.disk(lun);
    failed = null;
  }

  /** The fault is over. */
  void forgetFailure() {
    failed = null;
  }

  /** From now on the volume has the value everywhere, as after a rollback. */
  void is(int value) {
    Arrays.fill(allowed, 1 << value);
  }

  /** From now on any sector may also have the value. */
  void mayBe(int value) {
    for (int i = 0; i < allowed.length; i++) {
      allowed[i] |= 1 << value;
    }
  }

  void write(int sector, int count, int value) throws Exception {
    byte[] bytes = new byte[count << 9];
    Arrays.fill(bytes, (byte) value);
    boolean done =
        command(() -> Initiator.await(disk.write(sector, ByteBuffer.wrap(bytes)), PATIENCE));
    changed(sector, count, value, done);
  }

  void writeThrough(int sector, int count, int value) throws Exception {
    byte[] bytes = new byte[count << 9];
    Arrays.fill(bytes, (byte) value);
    boolean done =
        command(() -> Initiator.await(disk.writeThrough(sector, ByteBuffer.wrap(bytes)), PATIENCE));
    changed(sector, count, value, done);
  }

  void unmap(int sector, int count) throws Exception {
    changed(sector, count, 0, command(() -> Initiator.await(disk.unmap(sector, count), PATIENCE)));
  }

  /** WRITE SAME(16) of a block of zeros (SBC-3 5.48). */
  void writeSame(int sector, int count, int value) throws Exception {
    ByteBuffer cdb = ByteBuffer.allocate(16).put((byte) 0x93).put((byte) 0);
    cdb.putLong(sector).putInt(count);
    byte[] block = new byte[512];
    Arrays.fill(block, (byte) value);
    boolean done =
        command(() -> Initiator.await(disk.out(cdb.array(), ByteBuffer.wrap(block)), PATIENCE));
    changed(sector, count, value, done);
  }

  void flush() throws Exception {
    command(() -> Initiator.await(disk.flush(), PATIENCE));
  }

  /** PERSISTENT RESERVE OUT, REGISTER with APTPL (SPC-4 6.16). */
  void register(long key) throws Exception {
    byte[] cdb = {0x5f, 6, 0, 0, 0, 0, 0, 0, 24, 0};
    ByteBuffer list = ByteBuffer.allocate(24).putLong(0).putLong(key).putInt(0);
    list.put((byte) 1);
    command(() -> Initiator.await(disk.out(cdb, list.rewind().limit(24)), PATIENCE));
  }

  private void changed(int sector, int count, int value, boolean done) {
    for (int i = sector; i < sector + count; i++) {
      allowed[i] = 1 << value | (done ? 0 : allowed[i]);
    }
  }

  private interface Command {
    void run() throws Exception;
  }

  /** Whether it succeeded; what a disk must not say to an I/O error fails the test. */
  private boolean command(Command command) throws Exception {
    try {
      command.run();
      return true;
    } catch (ScsiException e) {
      Sense sense = Objects.requireNonNull(e.response().sense());
      boolean fits =
          switch (sense.key()) {
            case Sense.MEDIUM_ERROR -> sense.code() == 0x0c00 || sense.code() == 0x1100;
            case Sense.HARDWARE_ERROR -> true;
            case Sense.DATA_PROTECT -> sense.code() == 0x2700 || sense.code() == 0x2707;
            case Sense.ILLEGAL_REQUEST ->
                sense.code() == 0x5504; // insufficient registration resources
            default -> false;
          };
      assertThat(fits).as("the answer to a fault: %s", e.getMessage()).isTrue();
      failed = failed == null ? String.valueOf(e.getMessage()) : failed;
      return false;
    }
  }

  /** Reads all of it and compares; with the fault still there a read may fail. */
  void readWhileFailing() throws Exception {
    command(() -> check(Initiator.await(disk.read(0, SECTORS), PATIENCE)));
  }

  /** Reads all of it from this LUN, which must succeed. */
  void verify(Disk from) throws Exception {
    check(Initiator.await(from.read(0, SECTORS), PATIENCE));
  }

  private void check(ByteBuffer read) {
    read.rewind();
    for (int i = 0; i < SECTORS; i++) {
      int value = read.get(i << 9);
      assertThat(value >= 0 && value < 31 && (allowed[i] & 1 << value) != 0)
          .as("%s: sector %d has %d, allowed %x", name, i, value, allowed[i])
          .isTrue();
      for (int at = i << 9; at < (i + 1) << 9; at++) {
        assertThat((int) read.get(at)).as("%s: all of sector %d", name, i).isEqualTo(value);
      }
    }
  }
}
