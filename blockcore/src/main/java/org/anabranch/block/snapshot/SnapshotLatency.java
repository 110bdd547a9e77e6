// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import org.anabranch.block.count.Latency;

/** What a snapshot measures. */
public enum SnapshotLatency implements Latency {
  EXCEPTION("From the first write to a chunk until its exception is durable in the store");

  private final String words;

  SnapshotLatency(String words) {
    this.words = words;
  }

  @Override
  public String words() {
    return words;
  }

  @Override
  public String layer() {
    return "snapshot";
  }
}
