// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ReservationFilesTest {
  @TempDir Path folder;

  private static @Nullable IOException save(
      ReservationFiles files, String unit, @Nullable String state) {
    CompletableFuture<@Nullable IOException> saved = new CompletableFuture<>();
    files.save(unit, state, saved::complete);
    return saved.join();
  }

  @Test
  void whatIsSavedIsThereForTheNextServer() throws IOException {
    try (ReservationFiles files = new ReservationFiles(folder)) {
      assertThat(files.load("a")).isNull();
      assertThat(save(files, "a", "one")).isNull();
      assertThat(save(files, "b", "two")).isNull();
      assertThat(save(files, "b", null)).isNull();
      assertThat(save(files, "c", null)).isNull();
    }
    try (ReservationFiles files = new ReservationFiles(folder)) {
      assertThat(files.load("a")).isEqualTo("one");
      assertThat(files.load("b")).isNull();
    }
  }

  @Test
  void savesKeepTheirOrderAndCloseWaitsForThem() throws IOException {
    List<@Nullable IOException> results = new ArrayList<>();
    ReservationFiles files = new ReservationFiles(folder);
    for (int i = 0; i < 50; i++) {
      files.save("unit", "state " + i, results::add);
    }
    files.close();
    assertThat(results).hasSize(50).containsOnlyNulls();
    assertThat(files.load("unit")).isEqualTo("state 49");
  }

  @Test
  void aFailureIsTold() throws IOException {
    Files.writeString(folder.resolve("reservations"), "a file where the folder should be");
    try (ReservationFiles files = new ReservationFiles(folder)) {
      assertThat(save(files, "unit", "state")).isInstanceOf(IOException.class);
    }
  }
}
