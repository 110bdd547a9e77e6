// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
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

  @Test
  void whatEachTargetKeptBecomesTheUnits() throws IOException {
    Path kept = Files.createDirectories(folder.resolve("reservations"));
    Files.writeString(
        kept.resolve("old1"),
        """
        anabranch reservations 1
        EXCLUSIVE_ACCESS 1 iqn.a,i,0x000000000001
        a1 1 iqn.a,i,0x000000000001
        """);
    Files.writeString(
        kept.resolve("old2"),
        """
        anabranch reservations 1
        WRITE_EXCLUSIVE 1 iqn.b,i,0x000000000002
        b1 1 iqn.b,i,0x000000000002
        b1 1 iqn.a,i,0x000000000001
        """);
    String all =
        """
        anabranch reservations 2
        EXCLUSIVE_ACCESS 3 iqn.a,i,0x000000000001
        a1 3 iqn.a,i,0x000000000001
        b1 5 iqn.b,i,0x000000000002
        b1 5 iqn.a,i,0x000000000001
        """;
    SortedMap<Integer, String> before = new TreeMap<>(Map.of(3, "old1", 5, "old2", 6, "none"));
    try (ReservationFiles files = new ReservationFiles(folder)) {
      files.takeOver("old1", before);
      assertThat(files.load("old1")).isEqualTo(all);
      assertThat(files.units()).containsExactly("old1");
      files.takeOver("old1", before);
      assertThat(files.load("old1")).as("a second time").isEqualTo(all);
    }
  }

  @Test
  void nothingIsLostOfWhatIsDamaged() throws IOException {
    Path kept = Files.createDirectories(folder.resolve("reservations"));
    Files.writeString(kept.resolve("old"), "anabranch reservations 1\nNO_SUCH_TYPE -\n");
    try (ReservationFiles files = new ReservationFiles(folder)) {
      assertThatThrownBy(() -> files.takeOver("new", new TreeMap<>(Map.of(1, "old"))))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("damaged");
      assertThat(files.units()).containsExactly("old");
    }
  }
}
