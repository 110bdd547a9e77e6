// SPDX-License-Identifier: Apache-2.0
package org.anabranch.jscsi;

import org.jscsi.parser.OperationCode;
import org.jspecify.annotations.Nullable;

/** Operation codes (RFC 7143 11.2.1.2). */
public enum Opcode {
  NOP_OUT(OperationCode.NOP_OUT),
  SCSI_COMMAND(OperationCode.SCSI_COMMAND),
  TASK_MANAGEMENT_REQUEST(OperationCode.SCSI_TM_REQUEST),
  LOGIN_REQUEST(OperationCode.LOGIN_REQUEST),
  TEXT_REQUEST(OperationCode.TEXT_REQUEST),
  DATA_OUT(OperationCode.SCSI_DATA_OUT),
  LOGOUT_REQUEST(OperationCode.LOGOUT_REQUEST),
  SNACK_REQUEST(OperationCode.SNACK_REQUEST),
  NOP_IN(OperationCode.NOP_IN),
  SCSI_RESPONSE(OperationCode.SCSI_RESPONSE),
  TASK_MANAGEMENT_RESPONSE(OperationCode.SCSI_TM_RESPONSE),
  LOGIN_RESPONSE(OperationCode.LOGIN_RESPONSE),
  TEXT_RESPONSE(OperationCode.TEXT_RESPONSE),
  DATA_IN(OperationCode.SCSI_DATA_IN),
  LOGOUT_RESPONSE(OperationCode.LOGOUT_RESPONSE),
  R2T(OperationCode.R2T),
  ASYNC_MESSAGE(OperationCode.ASYNC_MESSAGE),
  REJECT(OperationCode.REJECT);

  private static final @Nullable Opcode[] BY_CODE = new @Nullable Opcode[64];

  static {
    for (Opcode opcode : values()) {
      BY_CODE[opcode.code] = opcode;
    }
  }

  private final byte code;

  Opcode(OperationCode jscsi) {
    code = jscsi.value();
  }

  public byte code() {
    return code;
  }

  /**
   * Finds the operation code of a header.
   *
   * @param firstByte byte 0 of a header, with or without the immediate bit
   * @return null if RFC 7143 has no such code
   */
  public static @Nullable Opcode of(int firstByte) {
    return BY_CODE[firstByte & 0x3f];
  }
}
