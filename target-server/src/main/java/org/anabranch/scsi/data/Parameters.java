// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.data;

import java.nio.ByteBuffer;
import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.api.Task;

/** Parameter lists: what an initiator sends with a command that is not data for the medium. */
public final class Parameters {
  private static final byte[] EMPTY = {};

  private Parameters() {}

  /**
   * The parameter list of a task: as many bytes as its CDB announces.
   *
   * @throws CheckCondition PARAMETER LIST LENGTH ERROR if fewer came
   */
  public static byte[] list(Task task) throws CheckCondition {
    ByteBuffer out = task.dataOut();
    int length = out == null ? 0 : out.remaining();
    if (length < task.dataOutLength()) {
      throw new CheckCondition(SenseCode.PARAMETER_LIST_LENGTH_ERROR);
    }
    if (out == null || length == 0) {
      return EMPTY;
    }
    byte[] list = new byte[length];
    out.get(out.position(), list);
    return list;
  }
}
