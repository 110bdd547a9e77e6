// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.rbd;

import org.anabranch.block.count.Counter;

/** What a device of an RBD image counts beside its requests. */
public enum RbdCounter implements Counter {
  ERRORS("Requests that failed"),
  OVERDUE("Requests that failed because Ceph did not answer in time"),
  LATE_ANSWERS("Answers of Ceph to requests that had failed already");

  private final String words;

  RbdCounter(String words) {
    this.words = words;
  }

  @Override
  public String words() {
    return words;
  }

  @Override
  public String layer() {
    return "rbd";
  }
}
