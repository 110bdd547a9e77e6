// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** A batch says of each chunk whether it is in it, and how far that answer holds. */
final class MergeBatchTest {
  @Test
  void agreesWithAMap() {
    Random random = new Random(4);
    for (int round = 0; round < 200; round++) {
      TreeMap<Long, Long> model = new TreeMap<>();
      long[] old = new long[1 + random.nextInt(60)];
      long[] news = new long[old.length];
      for (int i = 0; i < old.length; i++) {
        do {
          old[i] = random.nextInt(100);
        } while (model.containsKey(old[i]));
        // Often the neighbour of another, in one numbering or in both.
        news[i] = random.nextBoolean() ? old[i] + 200 : 1000 + i;
        model.put(old[i], news[i]);
      }
      MergeBatch batch = new MergeBatch(old, news, model.size());
      assertThat(batch.count()).isEqualTo(model.size());
      int inRuns = 0;
      for (int run = 0; run < batch.runs(); run++) {
        for (int i = 0; i < batch.length(run); i++, inRuns++) {
          assertThat(model.get(batch.oldChunk(run) + i)).isEqualTo(batch.newChunk(run) + i);
        }
        assertThat(run == 0 || batch.oldChunk(run - 1) < batch.oldChunk(run)).isTrue();
      }
      assertThat(inRuns).isEqualTo(model.size());
      for (long chunk = 0; chunk < 110; chunk++) {
        boolean covers = model.containsKey(chunk);
        assertThat(batch.covers(chunk)).isEqualTo(covers);
        long boundary = chunk + 1;
        while (boundary < 200 && model.containsKey(boundary) == covers) {
          boundary++;
        }
        assertThat(batch.boundary(chunk)).isEqualTo(boundary == 200 ? Long.MAX_VALUE : boundary);
      }
    }
  }
}
