// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HexFormat;
import org.anabranch.block.Io;
import org.anabranch.block.Limits;
import org.anabranch.scsi.Lab;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.reservation.ReservationStore;
import org.junit.jupiter.api.Test;

/** UNMAP, WRITE SAME and GET LBA STATUS: space is given back, and that is told truly. */
final class ProvisioningTest {
  private final Lab lab = Lab.disk();
  private final Lab.Initiator initiator = lab.initiator();

  private static byte[] unmapList(long... lbaAndBlocks) {
    byte[] list = new byte[8 + lbaAndBlocks.length / 2 * 16];
    BigEndian.put16(list, 0, list.length - 2);
    BigEndian.put16(list, 2, list.length - 8);
    for (int i = 0; i < lbaAndBlocks.length; i += 2) {
      BigEndian.put64(list, 8 + i * 8, lbaAndBlocks[i]);
      BigEndian.put32(list, 16 + i * 8, lbaAndBlocks[i + 1]);
    }
    return list;
  }

  private Lab.Result unmap(byte[] list) {
    return initiator.send(
        String.format("42 00 00 00 00 00 00 %02x %02x 00", list.length >> 8, list.length & 0xff),
        list);
  }

  /** As {@code lba+blocks state}, one for each descriptor. */
  private String status(long lba, int room) {
    byte[] cdb = new byte[16];
    cdb[0] = (byte) 0x9e;
    cdb[1] = 0x12;
    BigEndian.put64(cdb, 2, lba);
    BigEndian.put32(cdb, 10, room);
    Lab.Result result = initiator.send(HexFormat.ofDelimiter(" ").formatHex(cdb));
    result.isGood();
    byte[] data = result.data();
    assertThat(BigEndian.u32(data, 0)).isEqualTo(data.length - 4);
    StringBuilder text = new StringBuilder();
    for (int at = 8; at < data.length; at += 16) {
      text.append(BigEndian.u64(data, at)).append('+').append(BigEndian.u32(data, at + 8));
      text.append(data[at + 12] == 0 ? " mapped " : " free ");
    }
    return text.toString().trim();
  }

  private void fill() {
    initiator.send("2a 00 00 00 00 00 00 20 00 00", Lab.pattern(8192 * 512, 1)).isGood();
  }

  @Test
  void unmapGivesBlocksBackAndTheyReadAsZeros() {
    fill();
    unmap(unmapList(8, 8, 100, 1, 200, 0)).isGood();
    assertThat(status(0, 256))
        .isEqualTo("0+8 mapped 8+8 free 16+84 mapped 100+1 free 101+8091 mapped");
    assertThat(status(12, 24)).isEqualTo("12+4 free");
    byte[] read = initiator.send("28 00 00 00 00 00 00 00 11 00").data();
    assertThat(Arrays.copyOfRange(read, 8 * 512, 16 * 512)).containsOnly(0);
    assertThat(Arrays.copyOf(read, 8 * 512)).isEqualTo(Lab.pattern(8 * 512, 1));
  }

  @Test
  void statusBeyondTheEndIsRefused() {
    initiator.send("9e 12 00 00 00 00 00 00 20 00 00 00 00 18 00 00").fails("5/21/00");
    initiator.send("9e 12 80 00 00 00 00 00 00 00 00 00 00 18 00 00").fails("5/21/00");
    assertThat(status(8191, 24)).isEqualTo("8191+1 free");
  }

  @Test
  void aUnitThatCannotBeUnmappedTellsWhereItHasHoles() {
    lab.disk.limits(Limits.DEFAULT.withDiscard(false, false, 1).withHolesReadZero(true));
    initiator.send("2a 00 00 00 00 08 00 00 08 00", new byte[4096]).isGood();
    byte[] data = initiator.send("9e 12 00 00 00 00 00 00 00 00 00 00 01 00 00 00").data();
    assertThat(Arrays.copyOfRange(data, 8, 8 + 3 * 16))
        .isEqualTo(
            Lab.hex(
                "00 00 00 00 00 00 00 00 00 00 00 08 01 00 00 00"
                    + " 00 00 00 00 00 00 00 08 00 00 00 08 00 00 00 00"
                    + " 00 00 00 00 00 00 00 10 00 00 1f f0 01 00 00 00"));
    byte[] capacity = initiator.send("9e 10 00 00 00 00 00 00 00 00 00 00 00 20 00 00").data();
    assertThat(capacity[14]).as("LBPME, LBPRZ").isEqualTo((byte) 0xc0);
    byte[] provisioning = initiator.send("12 01 b2 00 08 00").data();
    assertThat(provisioning[5]).as("no LBPU, LBPWS, LBPWS10; LBPRZ").isEqualTo((byte) 0x04);
    initiator.send("42 00 00 00 00 00 00 00 18 00", unmapList(0, 1)).fails("5/20/00");
    lab.disk.limits(Limits.DEFAULT.withDiscard(false, false, 1).withHolesReadZero(false));
    assertThat(initiator.send("9e 10 00 00 00 00 00 00 00 00 00 00 00 20 00 00").data()[14])
        .isZero();
  }

  @Test
  void aFullyProvisionedUnitIsMappedThroughoutAndHasNoUnmap() {
    Lab thick = new Lab(8192, Lab.properties(false, false, false, 512), ReservationStore.NONE);
    Lab.Initiator there = thick.initiator();
    byte[] data = there.send("9e 12 00 00 00 00 00 00 00 00 00 00 01 00 00 00").data();
    assertThat(Arrays.copyOfRange(data, 8, 24))
        .isEqualTo(Lab.hex("00 00 00 00 00 00 00 00 00 00 20 00 00 00 00 00"));
    there.send("42 00 00 00 00 00 00 00 18 00", unmapList(0, 1)).fails("5/20/00");
    there.send("93 08 00 00 00 00 00 00 00 00 00 00 00 01 00 00", new byte[512]).fails("5/24/00");
  }

  @Test
  void aRefusedUnmapChangesNothing() {
    fill();
    Lab.Result beyond = unmap(unmapList(0, 8, 8191, 2));
    beyond.fails("5/21/00");
    assertThat(beyond.information()).as("the first block that is not there").isEqualTo(8192);
    unmap(unmapList(0, 8, Long.MIN_VALUE, 1)).fails("5/21/00");
    initiator.send("42 00 00 00 00 00 00 00 04 00", new byte[4]).fails("5/1a/00");
    initiator.send("42 00 00 00 00 00 00 00 18 00", new byte[20]).fails("5/0e/03");
    initiator.send("42 01 00 00 00 00 00 00 18 00", unmapList(0, 8)).fails("5/24/00");
    assertThat(lab.disk.discards()).isZero();
    initiator.send("42 00 00 00 00 00 00 00 00 00").isGood();
  }

  @Test
  void asManyDescriptorsAsAnnouncedAndNoMore() {
    fill();
    long[] most = new long[2 * 256];
    for (int i = 0; i < 256; i++) {
      most[2 * i] = 2L * i;
      most[2 * i + 1] = 1;
    }
    unmap(unmapList(most)).isGood();
    assertThat(lab.disk.discards()).isEqualTo(256);
    unmap(unmapList(Arrays.copyOf(most, 2 * 257))).fails("5/26/00");
  }

  @Test
  void blocksBackedInPartAreMapped() {
    Lab large = new Lab(8192, Lab.properties(false, false, true, 4096), ReservationStore.NONE);
    Lab.Initiator there = large.initiator();
    there.send("2a 00 00 00 00 00 00 00 04 00", new byte[4 * 4096]).isGood();
    large.disk.submit(Io.discard(0, 12, (io, error) -> {}));
    byte[] data = there.send("9e 12 00 00 00 00 00 00 00 00 00 00 00 38 00 00").data();
    assertThat(HexFormat.of().formatHex(data, 8, 24)).isEqualTo("00000000000000000000000101000000");
    assertThat(HexFormat.of().formatHex(data, 24, 40))
        .isEqualTo("00000000000000010000000300000000");
  }

  @Test
  void writeSameWritesThePattern() {
    byte[] block = Lab.pattern(512, 6);
    initiator.send("93 00 00 00 00 00 00 00 00 03 00 00 01 2c 00 00", block).isGood();
    byte[] read = initiator.send("28 00 00 00 00 00 00 01 30 00").data();
    assertThat(Arrays.copyOf(read, 3 * 512)).containsOnly(0);
    for (int i = 3; i < 303; i++) {
      assertThat(Arrays.copyOfRange(read, i * 512, (i + 1) * 512)).isEqualTo(block);
    }
    assertThat(Arrays.copyOfRange(read, 303 * 512, 304 * 512)).containsOnly(0);
  }

  @Test
  void writeSameOfZerosAndWithoutData() {
    fill();
    initiator.send("41 00 00 00 00 00 00 00 08 00", new byte[512]).isGood();
    initiator.send("93 01 00 00 00 00 00 00 00 10 00 00 00 08 00 00").isGood();
    initiator.send("93 09 00 00 00 00 00 00 00 20 00 00 00 08 00 00").isGood();
    assertThat(status(0, 64)).isEqualTo("0+32 mapped 32+8 free 40+8152 mapped");
    assertThat(initiator.send("28 00 00 00 00 10 00 00 08 00").data()).containsOnly(0);
  }

  @Test
  void writeSameOfNoBlocksGoesToTheEnd() {
    fill();
    initiator.send("41 08 00 00 1f f0 00 00 00 00", new byte[512]).isGood();
    assertThat(status(8000, 64)).isEqualTo("8000+176 mapped 8176+16 free");
    initiator.send("41 08 00 00 20 01 00 00 00 00", new byte[512]).fails("5/21/00");
  }

  @Test
  void writeSameIsHeldToItsLimits() {
    initiator.send("41 10 00 00 00 00 00 00 01 00", new byte[512]).fails("5/24/00");
    initiator.send("41 00 00 00 00 00 00 00 01 00", new byte[256]).fails("5/0e/03");
    initiator.send("41 00 00 00 00 00 00 00 01 00", new byte[1024]).fails("5/0e/03");
    Lab huge = new Lab(70000, Lab.properties(), ReservationStore.NONE);
    Lab.Initiator there = huge.initiator();
    there.send("93 00 00 00 00 00 00 00 00 00 00 01 00 00 00 00", new byte[512]).fails("5/24/00");
    there.send("93 00 00 00 00 00 00 00 00 00 00 00 ff ff 00 00", new byte[512]).isGood();
  }

  @Test
  void unmapOnADeviceThatDoesNotZeroKeepsItsPromiseByWriting() {
    fill();
    lab.disk.limits(Limits.DEFAULT.withDiscard(true, false, 8));
    initiator.send("41 08 00 00 00 00 00 00 08 00", new byte[512]).isGood();
    assertThat(lab.disk.discards()).isZero();
    assertThat(initiator.send("28 00 00 00 00 00 00 00 08 00").data()).containsOnly(0);
  }

  /** As of targets in the field: the block is not looked at. */
  @Test
  void writeSameWithUnmapReadsAsZerosWhateverWasSent() {
    byte[] block = Lab.pattern(512, 6);
    for (boolean zeroes : new boolean[] {true, false}) {
      fill();
      lab.disk.limits(Limits.DEFAULT.withDiscard(true, zeroes, 8));
      initiator.send("93 08 00 00 00 00 00 00 00 00 00 00 00 08 00 00", block).isGood();
      initiator.send("41 08 00 00 00 08 00 00 08 00", block).isGood();
      assertThat(initiator.send("28 00 00 00 00 00 00 00 10 00").data()).containsOnly(0);
      assertThat(lab.disk.discards()).isEqualTo(2);
    }
  }

  @Test
  void withoutAWriteCacheWhatIsGivenBackIsDurable() {
    unmap(unmapList(0, 8, 16, 8)).isGood();
    initiator.send("41 08 00 00 00 00 00 00 08 00", new byte[512]).isGood();
    assertThat(lab.disk.flushes()).isZero();
    initiator.send("15 10 00 00 18 00", Lab.hex("00 00 00 00 08 12" + " 00".repeat(18))).isGood();
    int before = lab.disk.flushes();
    unmap(unmapList(0, 8, 16, 8)).isGood();
    assertThat(lab.disk.flushes()).isEqualTo(before + 1);
    initiator.send("41 08 00 00 00 00 00 00 08 00", new byte[512]).isGood();
    initiator.send("93 09 00 00 00 00 00 00 00 20 00 00 00 08 00 00").isGood();
    assertThat(lab.disk.flushes()).isEqualTo(before + 3);
    assertThat(lab.disk.durableWrites()).isZero();
    initiator.send("41 00 00 00 00 00 00 00 08 00", new byte[512]).isGood();
    assertThat(lab.disk.flushes()).as("zeros are written through instead").isEqualTo(before + 3);
    assertThat(lab.disk.durableWrites()).isEqualTo(1);
  }
}
