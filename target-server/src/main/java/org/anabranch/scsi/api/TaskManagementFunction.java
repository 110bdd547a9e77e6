// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.api;

/** The task management functions of RFC 7143 11.5.1 (SAM-5 7.1), without TASK REASSIGN. */
public enum TaskManagementFunction {
  ABORT_TASK,
  ABORT_TASK_SET,
  CLEAR_ACA,
  CLEAR_TASK_SET,
  LOGICAL_UNIT_RESET,
  TARGET_WARM_RESET,
  TARGET_COLD_RESET;

  /** What a function can answer (SAM-5 7.1); the transport has its own codes for these. */
  public enum Response {
    COMPLETE,
    REJECTED,
    INCORRECT_LOGICAL_UNIT,
    TASK_DOES_NOT_EXIST,
    NOT_SUPPORTED
  }
}
