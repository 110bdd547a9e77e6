// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.log;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class StandardErrorTest {
  @TempDir Path folder;

  @Test
  void theJournalIsTheStreamThatSystemdNames() throws Exception {
    Path file = Files.createFile(folder.resolve("stream"));
    Path other = Files.createFile(folder.resolve("other"));
    String stream =
        Files.getAttribute(file, "unix:dev") + ":" + Files.getAttribute(file, "unix:ino");
    assertThat(StandardError.isJournal(stream, file)).isTrue();
    assertThat(StandardError.isJournal(stream, other)).as("led elsewhere").isFalse();
    assertThat(StandardError.isJournal(null, file)).isFalse();
    assertThat(StandardError.isJournal("nonsense", file)).isFalse();
    assertThat(StandardError.isJournal(stream, folder.resolve("absent"))).isFalse();
  }
}
