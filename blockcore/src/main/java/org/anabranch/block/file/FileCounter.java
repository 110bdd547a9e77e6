// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import org.anabranch.block.count.Counter;

/** What a file counts beside its requests. */
public enum FileCounter implements Counter {
  THREADED("Requests that took a thread, since they could not be done at once"),
  SYNCS("Calls of fdatasync; one serves all flushes that wait for it"),
  ERRORS("Requests that failed");

  private final String words;

  FileCounter(String words) {
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
