// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import java.util.List;

/**
 * Part of the list of chunks for which a snapshot has exceptions. The snapshot may differ from its
 * origin there, because one of the two was written. As text, which {@code dm message} prints:
 *
 * <pre>
 *   chunk=8 next=1000         sectors of a chunk; where the next part starts, or -1 at the end
 *   10 4                      chunks 10 to 13
 *   200 1
 * </pre>
 *
 * @param chunkSectors sectors of a chunk
 * @param runs first chunk and number of chunks, alternating, ascending
 * @param next the chunk to continue from; -1 at the end
 */
public record ChangedChunks(int chunkSectors, List<Long> runs, long next) {
  /** The largest number of runs in one part. */
  public static final int MAX_RUNS = 4096;

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("chunk=" + chunkSectors + " next=" + next);
    for (int i = 0; i < runs.size(); i += 2) {
      text.append('\n').append(runs.get(i)).append(' ').append(runs.get(i + 1));
    }
    return text.toString();
  }
}
