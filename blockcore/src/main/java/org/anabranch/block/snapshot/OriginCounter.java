// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import org.anabranch.block.count.Counter;

/** What an origin counts, on the device through which it is written. */
public enum OriginCounter implements Counter {
  COPY_WAITS("Times that a write waited until snapshots had their copies"),
  SLOT_WAITS("Times that a write waited because the most copies were in flight");

  private final String words;

  OriginCounter(String words) {
    this.words = words;
  }

  @Override
  public String words() {
    return words;
  }

  @Override
  public String layer() {
    return "origin";
  }
}
