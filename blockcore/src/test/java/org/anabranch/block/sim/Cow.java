// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

/** Where a snapshot keeps its chunks. {@code mayFill}: it is too small for every chunk. */
record Cow(String disk, String type, int chunk, boolean mayFill, boolean zeroes) {
  boolean persistent() {
    return !type.equals("N");
  }
}
