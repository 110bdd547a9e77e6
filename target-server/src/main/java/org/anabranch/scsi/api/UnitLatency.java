// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.api;

import org.anabranch.block.count.Latency;

/**
 * How long a logical unit's commands took, from their arrival to their end, with the transfer of
 * their data to the target. Aborted ones do not count.
 */
public enum UnitLatency implements Latency {
  READ("Commands that read blocks"),
  WRITE("Commands that wrote blocks with data of the initiator"),
  OTHER("Other commands"),
  DELAY("The wait of commands that a rate limit delayed, aborted ones included");

  private final String words;

  UnitLatency(String words) {
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
