// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import org.anabranch.block.count.Latency;

/** What merges measure. */
public enum MergeLatency implements Latency {
  BATCH("From the beginning of a batch to its commit");

  private final String words;

  MergeLatency(String words) {
    this.words = words;
  }

  @Override
  public String words() {
    return words;
  }

  @Override
  public String layer() {
    return "merge";
  }
}
