// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.history;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.anabranch.block.testing.TakesLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The soak, for a few seconds: {@code build/soak} runs it for long. */
@TakesLong
final class SoakTest {
  private static final long SECONDS = Long.getLong("anabranch.soakSeconds", 6);
  private static final long SEED = Long.getLong("anabranch.soakSeed", 1);

  @TempDir private Path folder;

  @Test
  void everythingAtOnce() throws Exception {
    String done = new Soak(folder, SEED, SECONDS).run();
    System.out.println(done);
    assertThat(done).contains("kill=");
  }
}
