// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.data;

/**
 * Where the CDBs of block commands have their LBA and their length. The group code on top of the
 * operation code tells the layout (SPC-4 4.2.5):
 *
 * <pre>
 *   group   CDB       LBA            blocks
 *   0       6 bytes   1-3, 21 bits   4, where 0 means 256
 *   1, 2    10 bytes  2-5            7-8
 *   4       16 bytes  2-9            10-13
 *   5       12 bytes  2-5            6-9
 * </pre>
 */
public final class Cdb {
  private Cdb() {}

  /** The logical block address, 64 bits unsigned in a 16-byte CDB. */
  public static long lba(byte[] cdb) {
    return switch (cdb[0] >> 5 & 7) {
      case 0 -> BigEndian.u24(cdb, 1) & 0x1f_ffff;
      case 4 -> BigEndian.u64(cdb, 2);
      default -> BigEndian.u32(cdb, 2);
    };
  }

  /** The transfer or verification length, or number of logical blocks. */
  public static long blocks(byte[] cdb) {
    return switch (cdb[0] >> 5 & 7) {
      case 0 -> cdb[4] == 0 ? 256 : BigEndian.u8(cdb, 4);
      case 4 -> BigEndian.u32(cdb, 10);
      case 5 -> BigEndian.u32(cdb, 6);
      default -> BigEndian.u16(cdb, 7);
    };
  }

  /** Where the field that {@link #blocks} reads begins, for a field pointer. */
  public static int blocksAt(byte[] cdb) {
    return switch (cdb[0] >> 5 & 7) {
      case 0 -> 4;
      case 4 -> 10;
      case 5 -> 6;
      default -> 7;
    };
  }

  /** Force unit access, in the commands that have it. */
  public static boolean fua(byte[] cdb) {
    return (cdb[0] >> 5 & 7) != 0 && BigEndian.bit(cdb, 1, 3);
  }
}
