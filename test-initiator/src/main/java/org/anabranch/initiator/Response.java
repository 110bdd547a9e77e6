// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The result of a command.
 *
 * @param status SCSI status (SAM-5 5.3.1): 0 is GOOD, 2 is CHECK CONDITION
 * @param response iSCSI response code (RFC 7143 11.4.3): 0 is completed at target
 * @param sense sense data, or null
 * @param data the received data; empty for a command that receives nothing
 * @param underflow expected bytes that were not transferred
 * @param overflow bytes that were not transferred because fewer were expected
 */
public record Response(
    int status, int response, @Nullable Sense sense, ByteBuffer data, int underflow, int overflow) {
  public static final int GOOD = 0x00;
  public static final int CHECK_CONDITION = 0x02;
  public static final int CONDITION_MET = 0x04;
  public static final int BUSY = 0x08;
  public static final int RESERVATION_CONFLICT = 0x18;
  public static final int TASK_SET_FULL = 0x28;
  public static final int TASK_ABORTED = 0x40;

  public boolean isGood() {
    return response == 0 && (status == GOOD || status == CONDITION_MET);
  }

  /** A copy of the data. */
  public byte[] bytes() {
    byte[] bytes = new byte[data.remaining()];
    data.get(data.position(), bytes);
    return bytes;
  }

  /** The status in words, with the sense data if there is any. */
  public String describe() {
    if (response != 0) {
      return String.format("iSCSI response 0x%02x", response);
    }
    String text =
        switch (status) {
          case GOOD -> "GOOD";
          case CHECK_CONDITION -> "CHECK CONDITION";
          case CONDITION_MET -> "CONDITION MET";
          case BUSY -> "BUSY";
          case RESERVATION_CONFLICT -> "RESERVATION CONFLICT";
          case TASK_SET_FULL -> "TASK SET FULL";
          case 0x30 -> "ACA ACTIVE";
          case TASK_ABORTED -> "TASK ABORTED";
          default -> String.format("status 0x%02x", status);
        };
    return sense == null ? text : text + ": " + sense.describe();
  }
}
