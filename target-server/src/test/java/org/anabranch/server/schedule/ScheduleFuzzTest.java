// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.SortedMap;
import org.anabranch.block.sim.QuietLog;
import org.anabranch.fuzz.Fuzzer;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.DurableSteps;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Any bytes as schedules.json: it is read, and written as it was read, or it is put aside. */
@ExtendWith(QuietLog.class)
public final class ScheduleFuzzTest {
  private static final Instant NOW = Instant.parse("2026-11-22T19:00:00Z");

  @Test
  void schedules() throws Exception {
    new Fuzzer(
            "schedules", "{", "}", "[", "]", "\"", "null", "\"every-seconds\":", "1e99", "-1", "Z")
        .run(2_000, ScheduleFuzzTest::take);
  }

  @Test
  void deepNestingAndWhatIsNoTextIsDamage() throws Exception {
    byte[] deep = "[".repeat(100_000).getBytes(StandardCharsets.UTF_8);
    assertThat(take(deep)).isEqualTo("damaged");
    assertThat(take(new byte[] {'{', '"', (byte) 0xff, '"', '}'})).isEqualTo("damaged");
  }

  /** The input is the file. */
  public static String take(byte[] input) throws IOException {
    Path folder = Files.createDirectories(Path.of("target", "fuzz").toAbsolutePath());
    Path state = Files.createTempDirectory(folder, "schedules");
    Path aside = state.resolve("schedules.json.damaged");
    try {
      Files.write(state.resolve("schedules.json"), input);
      ScheduleFile file = new ScheduleFile(state, DurableSteps.UNWATCHED);
      SortedMap<String, ScheduleHistory> read = file.read();
      if (Files.exists(aside)) {
        assertThat(read).isEmpty();
        assertThat(Files.readAllBytes(aside)).isEqualTo(input);
        return "damaged";
      }
      for (ScheduleHistory each : read.values()) {
        assertThat(each.recurrence().due(each.done(), NOW)).isNotNull();
        assertThat(each.paused(false, NOW).with(each.recurrence(), NOW)).isNotNull();
      }
      file.write(read);
      assertThat(file.read()).isEqualTo(read);
      return "read";
    } catch (RefusedException e) {
      throw new AssertionError(e);
    } finally {
      for (String name : new String[] {"schedules.json", "schedules.json.new"}) {
        Files.deleteIfExists(state.resolve(name));
      }
      Files.deleteIfExists(aside);
      Files.delete(state);
    }
  }
}
