// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.history;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Collectors;
import org.anabranch.initiator.history.SimulatedServer.Fault;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random histories of a {@link SimulatedServer}: all right ones are accepted, and of those with a
 * fault most are not. {@code -Dhistory.seeds=N} for more.
 */
final class CheckerPropertyTest {
  private static final int SEEDS = Integer.getInteger("history.seeds", 150);
  private static final int STEPS = 1500;

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void rightHistoriesAreAccepted(boolean powerCuts) {
    for (long seed = 0; seed < SEEDS; seed++) {
      List<Event> history = new SimulatedServer(seed, Fault.NONE, powerCuts).history(STEPS);
      assertThat(Checker.check(history)).as("seed %d", seed).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
  void faultsAreFound(Fault fault) {
    int found = 0;
    int seeds = 40;
    int least = fault == Fault.TAKES_TWO_INSTANTS ? 6 : 30; // the rest reads nothing that shows it
    for (long seed = 0; seed < seeds; seed++) {
      boolean powerCuts = fault == Fault.DOES_NOT_FLUSH;
      List<Event> history = new SimulatedServer(seed, fault, powerCuts).history(STEPS);
      found += Checker.check(history).isPresent() ? 1 : 0;
    }
    assertThat(found).as("histories of %d in which the fault is found", seeds).isGreaterThan(least);
  }

  @Test
  void aHistoryIsTheSameInALogWhoseLastLineIsTorn(@TempDir Path folder) throws Exception {
    List<Event> history = new SimulatedServer(7, Fault.NONE, true).history(STEPS);
    Path file = folder.resolve("history.log");
    try (HistoryLog log = new HistoryLog(file)) {
      for (Event event : history) {
        log.append(event);
      }
    }
    Files.writeString(file, "write 3.17 a 0", StandardOpenOption.APPEND);
    assertThat(HistoryLog.read(file)).isEqualTo(history);
    assertThat(history.stream().map(Event::line).collect(Collectors.joining("\n")))
        .contains("write ", "saw ", "copy ", "rollback ", "power-cut", "killed", " fua");
  }
}
