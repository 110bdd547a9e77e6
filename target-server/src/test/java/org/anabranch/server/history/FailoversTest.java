// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.history;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.testing.TestCeph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Only with {@code -Danabranch.historyFailovers=COUNT}: {@code test-lab/failover} runs it. */
final class FailoversTest {
  private static final int TIMES = Integer.getInteger("anabranch.historyFailovers", 0);
  private static final long SEED = Long.getLong("anabranch.historySeed", 1);

  @TempDir private Path folder;

  @Test
  @Timeout(value = 2, unit = TimeUnit.HOURS) // for those who ask for many
  void nothingIsLost() throws Exception {
    assumeTrue(TIMES > 0);
    try (TestCeph ceph = TestCeph.require(false)) {
      String plan = System.getProperty("anabranch.failoverPlan", "writes");
      String done = new Failovers(folder, ceph.conf(), TIMES, SEED, plan).run();
      System.out.println(done);
      assertThat(done).contains("nothing lost");
    }
  }
}
