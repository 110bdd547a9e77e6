// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.cache;

import org.anabranch.block.count.Counter;

/** What a {@link WriteCache} counts. Writes that need no cache are not counted. */
public enum WriteCacheCounter implements Counter {
  ACKNOWLEDGED("Writes that were acknowledged before they had ended below"),
  ACKNOWLEDGED_BYTES("Bytes of these writes"),
  FULL("Writes that waited because the ring was full"),
  ORDER_WAITS("Requests that waited for an overlapping write in the ring"),
  FLUSH_WAITS("Flushes that waited for writes in the ring"),
  FAILED("Writes that failed after their acknowledgement"),
  REPLAYED("Writes that the process before this one had left in the ring");

  private final String words;

  WriteCacheCounter(String words) {
    this.words = words;
  }

  @Override
  public String words() {
    return words;
  }

  @Override
  public String layer() {
    return "cache";
  }
}
