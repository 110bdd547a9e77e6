// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A SCSI command to be sent. A command moves data one way or not at all.
 *
 * @param lun the LUN field's eight bytes: see {@link #flatLun}
 * @param cdb 16 bytes or fewer, or up to 260 in an additional header segment
 * @param attribute 0 untagged, 1 simple, 2 ordered, 3 head of queue, 4 ACA
 * @param out the data to send, from position to limit; stays the command's until it has ended
 * @param in where data is received, from position to limit; stays the command's until it has ended
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record Command(
    long lun, byte[] cdb, int attribute, @Nullable ByteBuffer out, @Nullable ByteBuffer in) {
  public static final int SIMPLE = 1;
  public static final int ORDERED = 2;
  public static final int HEAD_OF_QUEUE = 3;

  public Command {
    if (out != null && in != null) {
      throw new IllegalArgumentException("bidirectional");
    }
  }

  /** A command that moves no data. */
  public static Command of(long lun, byte[] cdb) {
    return new Command(lun, cdb, SIMPLE, null, null);
  }

  /** A command that receives at most {@code expected} bytes. */
  public static Command in(long lun, byte[] cdb, int expected) {
    return new Command(lun, cdb, SIMPLE, null, ByteBuffer.allocate(expected));
  }

  /** A command that receives into a buffer of the caller's. */
  public static Command in(long lun, byte[] cdb, ByteBuffer in) {
    return new Command(lun, cdb, SIMPLE, null, in);
  }

  /** A command that sends data. */
  public static Command out(long lun, byte[] cdb, ByteBuffer out) {
    return new Command(lun, cdb, SIMPLE, out, null);
  }

  public Command attribute(int newAttribute) {
    return new Command(lun, cdb, newAttribute, out, in);
  }

  /**
   * The LUN field for a logical unit number: peripheral device addressing up to 255, flat space
   * addressing up to 16383 (SAM-5 4.7).
   */
  public static long flatLun(int number) {
    if (number < 0 || number > 0x3fff) {
      throw new IllegalArgumentException("LUN " + number);
    }
    return (long) (number < 256 ? number : 0x4000 | number) << 48;
  }
}
