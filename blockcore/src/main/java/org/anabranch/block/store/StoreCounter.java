// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import org.anabranch.block.count.Counter;

/** What a COW store counts, on the device that has it. */
public enum StoreCounter implements Counter {
  RECORDS("Exceptions added to the list, durably"),
  COMMITS("Writes of records; each follows a flush of the COW device"),
  MERGED_RECORDS("Exceptions taken off the list by a merge"),
  MERGE_COMMITS("Writes that shortened the list"),
  FAILURES("Errors that made the store unusable");

  private final String words;

  StoreCounter(String words) {
    this.words = words;
  }

  @Override
  public String words() {
    return words;
  }

  @Override
  public String layer() {
    return "store";
  }
}
