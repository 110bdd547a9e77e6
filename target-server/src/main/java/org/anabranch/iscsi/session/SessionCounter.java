// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import org.anabranch.block.count.Counter;

/** What a session counts. */
public enum SessionCounter implements Counter {
  COMMANDS("SCSI commands answered"),
  DATA_IN_BYTES("Bytes sent in Data-In PDUs"),
  DATA_OUT_BYTES("Bytes received as immediate data and in Data-Out PDUs"),
  R2TS("R2Ts sent"),
  TASK_MANAGEMENT_REQUESTS("Task management requests received"),
  DATA_DIGEST_ERRORS("PDUs with a wrong data digest"),
  REJECTS("Reject PDUs sent"),
  REFUSED_FOR_MEMORY("Commands refused (TASK SET FULL or BUSY): no memory for data sent unasked");

  private final String words;

  SessionCounter(String words) {
    this.words = words;
  }

  @Override
  public String words() {
    return words;
  }

  @Override
  public String layer() {
    return "session";
  }
}
