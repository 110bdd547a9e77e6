// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import org.anabranch.block.count.Latency;

/** What a file measures. */
public enum FileLatency implements Latency {
  THREADED("From the arrival of a request that took a thread to its end"),
  SYNC("Duration of a call of fdatasync");

  private final String words;

  FileLatency(String words) {
    this.words = words;
  }

  @Override
  public String words() {
    return words;
  }

  @Override
  public String layer() {
    return "file";
  }
}
