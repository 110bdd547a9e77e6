// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

/** Task management functions (RFC 7143 11.5.1) and the codes of their responses (11.6.1). */
public enum TaskManagement {
  ABORT_TASK(1),
  ABORT_TASK_SET(2),
  CLEAR_ACA(3),
  CLEAR_TASK_SET(4),
  LOGICAL_UNIT_RESET(5),
  TARGET_WARM_RESET(6),
  TARGET_COLD_RESET(7),
  TASK_REASSIGN(8),
  QUERY_TASK(9),
  QUERY_TASK_SET(10),
  I_T_NEXUS_RESET(11),
  QUERY_ASYNC_EVENT(12);

  public static final int COMPLETE = 0;
  public static final int TASK_DOES_NOT_EXIST = 1;
  public static final int LUN_DOES_NOT_EXIST = 2;
  public static final int TASK_STILL_ALLEGIANT = 3;
  public static final int REASSIGNMENT_NOT_SUPPORTED = 4;
  public static final int NOT_SUPPORTED = 5;
  public static final int AUTHORIZATION_FAILED = 6;
  public static final int SUCCEEDED = 7;
  public static final int REJECTED = 255;

  private final int number;

  TaskManagement(int number) {
    this.number = number;
  }

  public int number() {
    return number;
  }
}
