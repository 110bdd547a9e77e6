// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import org.anabranch.block.count.Counter;

/** What a mapped device counts beside its requests. */
public enum DeviceCounter implements Counter {
  DEFERRED("Requests that waited while the device was suspended"),
  SUSPENDS("Times that the device was suspended, table changes included"),
  TABLE_CHANGES("Times that another table became the live one");

  private final String words;

  DeviceCounter(String words) {
    this.words = words;
  }

  @Override
  public String words() {
    return words;
  }

  @Override
  public String layer() {
    return "device";
  }
}
