// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

/**
 * Where a snapshot keeps its chunks.
 *
 * @param mayFill it is too small for every chunk
 * @param zeroes discards are supported, and zero chunks that have exceptions
 * @param passdown other chunks are discarded on the origin
 */
record Cow(String disk, String type, int chunk, boolean mayFill, boolean zeroes, boolean passdown) {
  boolean persistent() {
    return !type.equals("N");
  }
}
