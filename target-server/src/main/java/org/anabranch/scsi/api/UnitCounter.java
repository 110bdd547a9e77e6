// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.api;

import org.anabranch.block.count.Counter;

/** What a logical unit counts: the commands that ended, whatever the path. */
public enum UnitCounter implements Counter {
  READS("Commands that read blocks"),
  READ_BYTES("Bytes that these returned"),
  WRITES("Commands that wrote blocks with data of the initiator"),
  WRITTEN_BYTES("Bytes of those that succeeded"),
  OTHERS("Other commands"),
  CHECK_CONDITIONS("Commands that ended with CHECK CONDITION, unit attentions included"),
  DEVICE_ERRORS("Of these, the ones with a MEDIUM ERROR or HARDWARE ERROR"),
  RESERVATION_CONFLICTS("Commands that ended with RESERVATION CONFLICT"),
  TASK_SET_FULL("Commands refused because the task set was full"),
  ABORTED("Commands that were aborted"),
  DELAYED("Commands, and pieces of copies, that waited for a rate limit");

  private final String words;

  UnitCounter(String words) {
    this.words = words;
  }

  @Override
  public String words() {
    return words;
  }

  @Override
  public String layer() {
    return "unit";
  }
}
