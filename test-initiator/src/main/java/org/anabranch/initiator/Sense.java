// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Sense data (SPC-4 4.5).
 *
 * @param key sense key, 0 to 15
 * @param code additional sense code in the high byte, its qualifier in the low one
 * @param deferred whether it is about an earlier command
 * @param information the INFORMATION field, null if it is not valid
 * @param bytes the complete sense data
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record Sense(int key, int code, boolean deferred, @Nullable Long information, byte[] bytes) {
  public static final int NO_SENSE = 0;
  public static final int RECOVERED_ERROR = 1;
  public static final int NOT_READY = 2;
  public static final int MEDIUM_ERROR = 3;
  public static final int HARDWARE_ERROR = 4;
  public static final int ILLEGAL_REQUEST = 5;
  public static final int UNIT_ATTENTION = 6;
  public static final int DATA_PROTECT = 7;
  public static final int ABORTED_COMMAND = 0xb;
  public static final int MISCOMPARE = 0xe;

  private static final String[] KEYS = {
    "NO SENSE",
    "RECOVERED ERROR",
    "NOT READY",
    "MEDIUM ERROR",
    "HARDWARE ERROR",
    "ILLEGAL REQUEST",
    "UNIT ATTENTION",
    "DATA PROTECT",
    "BLANK CHECK",
    "VENDOR SPECIFIC",
    "COPY ABORTED",
    "ABORTED COMMAND",
    "RESERVED",
    "VOLUME OVERFLOW",
    "MISCOMPARE",
    "COMPLETED"
  };

  /** Parses either format; null if the bytes have neither. */
  public static @Nullable Sense parse(byte[] bytes) {
    if (bytes.length < 4) {
      return null;
    }
    int format = bytes[0] & 0x7f;
    if (format == 0x70 || format == 0x71) {
      int code = bytes.length < 14 ? 0 : ((bytes[12] & 0xff) << 8) | (bytes[13] & 0xff);
      Long information = (bytes[0] & 0x80) != 0 && bytes.length >= 7 ? number(bytes, 3, 4) : null;
      return new Sense(bytes[2] & 0xf, code, format == 0x71, information, bytes);
    }
    if (format == 0x72 || format == 0x73) {
      int code = ((bytes[2] & 0xff) << 8) | (bytes[3] & 0xff);
      Long information =
          bytes.length >= 20 && bytes[8] == 0 && (bytes[10] & 0x80) != 0
              ? number(bytes, 12, 8)
              : null;
      return new Sense(bytes[1] & 0xf, code, format == 0x73, information, bytes);
    }
    return null;
  }

  private static Long number(byte[] bytes, int from, int count) {
    long value = 0;
    for (int i = from; i < from + count; i++) {
      value = (value << 8) | (bytes[i] & 0xff);
    }
    return value;
  }

  public boolean is(int wantedKey, int wantedCode) {
    return key == wantedKey && code == wantedCode;
  }

  /** Key and code in words. */
  public String describe() {
    return String.format(
        "%s%s, %s (%02x/%02x)%s",
        deferred ? "deferred " : "",
        KEYS[key],
        text(code),
        code >>> 8,
        code & 0xff,
        information == null ? "" : ", information " + information);
  }

  /** The codes that a disk may send (SPC-4 annex F). */
  private static String text(int code) {
    return switch (code) {
      case 0x0000 -> "no additional sense information";
      case 0x0006 -> "I/O process terminated";
      case 0x0401 -> "becoming ready";
      case 0x0402 -> "initializing command required";
      case 0x0404 -> "format in progress";
      case 0x041b -> "sanitize in progress";
      case 0x0c00, 0x0c02 -> "write error";
      case 0x0c0c -> "not enough unsolicited data";
      case 0x0c0d -> "too much unsolicited data";
      case 0x1100 -> "unrecovered read error";
      case 0x1a00 -> "parameter list length error";
      case 0x1d00 -> "miscompare during verify operation";
      case 0x2000 -> "invalid command operation code";
      case 0x2100 -> "logical block address out of range";
      case 0x2400 -> "invalid field in CDB";
      case 0x2500 -> "logical unit not supported";
      case 0x2600 -> "invalid field in parameter list";
      case 0x2604 -> "invalid release of persistent reservation";
      case 0x2700 -> "write protected";
      case 0x2707 -> "space allocation failed write protect";
      case 0x2800 -> "not ready to ready change";
      case 0x2900 -> "power on, reset or bus device reset";
      case 0x2901 -> "power on";
      case 0x2902 -> "bus reset";
      case 0x2903 -> "bus device reset function";
      case 0x2907 -> "I_T nexus loss";
      case 0x2a01 -> "mode parameters changed";
      case 0x2a03 -> "reservations preempted";
      case 0x2a04 -> "reservations released";
      case 0x2a05 -> "registrations preempted";
      case 0x2a09 -> "capacity data has changed";
      case 0x2c00 -> "command sequence error";
      case 0x2f00 -> "commands cleared by another initiator";
      case 0x3802, 0x3807 -> "thin provisioning soft threshold reached";
      case 0x3a00 -> "medium not present";
      case 0x3f03 -> "inquiry data has changed";
      case 0x3f0e -> "reported LUNs data has changed";
      case 0x4400 -> "internal target failure";
      case 0x4703 -> "iuCRC error detected";
      case 0x4705 -> "protocol service CRC error";
      case 0x4900 -> "invalid message error";
      case 0x4b00 -> "data phase error";
      case 0x5302 -> "medium removal prevented";
      case 0x5500 -> "system resource failure";
      case 0x5503 -> "insufficient resources";
      default -> "additional sense";
    };
  }

  @Override
  public String toString() {
    return describe() + " " + HexFormat.of().formatHex(bytes);
  }
}
