// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.life;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.anabranch.block.sim.Seeds;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random histories of a whole server's life over a file system that power cuts take back, see
 * {@link LifeHistory}; in a process of their own, since that file system is the process's.
 *
 * <pre>
 *   -Dlife.sim.seeds=3000   more than the first ones, from -Dlife.sim.from=M on
 *   -Dlife.sim.fresh=3000   also 3,000 that nobody has run
 *   -Dlife.sim.seed=N       one, with the last 5,000 things that it does
 * </pre>
 */
@Timeout(value = 6, unit = TimeUnit.HOURS) // for those who ask for many
final class LifeHistoryTest {
  private static final Seeds SEEDS = new Seeds("life.sim");
  private static final int USUAL = 12;

  /** Seeds that are enough to catch each of the things that are made wrong. */
  private static final int CATCHING = 40;

  @TempDir private Path folder;

  @Test
  void everyStartHasTheWorldBeforeAChangeOrAfterIt() throws Exception {
    Long one = SEEDS.one();
    if (one != null) {
      run(List.of("-Dlife.sim.lines=5000"), "NONE", one, 1);
      return;
    }
    String said = run(List.of(), "NONE", SEEDS.from(), SEEDS.count(USUAL));
    if (SEEDS.from() == 0 && SEEDS.count(USUAL) >= USUAL) {
      assertThat(said)
          .contains("POWER_CUT", "LOSS", "KILL", "CRASH_IN_START", "CRASH_IN_CHANGE", "RESTART")
          .contains("UNANSWERED_DONE", "UNANSWERED_NOT_DONE", "MERGED", "KEPT", "GROUP_TAKEN");
    }
  }

  @Test
  void freshSeedsHaveIt() throws Exception {
    if (SEEDS.freshCount() > 0) {
      run(List.of(), "NONE", SEEDS.freshFrom(), SEEDS.freshCount());
    }
  }

  /** A checker that can't fail proves nothing: here something is wrong each time. */
  @Test
  void whatIsMadeWrongIsCaught() throws Exception {
    String all =
        Arrays.stream(LifeSabotage.values()).map(Enum::name).collect(Collectors.joining(","));
    String said = run(List.of(), all, 0, CATCHING);
    for (LifeSabotage each : LifeSabotage.values()) {
      assertThat(said).contains(each + " is caught with seed ");
    }
  }

  private String run(List<String> options, String sabotages, long first, long count)
      throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx512m",
                "-Djava.nio.file.spi.DefaultFileSystemProvider="
                    + "org.anabranch.server.life.disk.CrashProvider",
                "-Djava.io.tmpdir=" + folder));
    command.addAll(options);
    command.addAll(
        List.of(
            "-cp",
            System.getProperty("java.class.path"),
            LifeMain.class.getName(),
            folder.toString(),
            sabotages,
            Long.toString(first),
            Long.toString(count)));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    try {
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      System.out.println(said);
      assertThat(process.waitFor()).as(said).isZero();
      return said;
    } finally {
      process.destroyForcibly();
    }
  }
}
