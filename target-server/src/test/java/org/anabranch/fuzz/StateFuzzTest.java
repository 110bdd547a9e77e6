// SPDX-License-Identifier: Apache-2.0
package org.anabranch.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.RuntimeState;
import org.anabranch.server.state.StateFile;
import org.junit.jupiter.api.Test;

/** Any bytes at all as the state file: it is read, or refused by its name and left as it is. */
public final class StateFuzzTest {
  @Test
  void states() throws Exception {
    new Fuzzer("states", "{", "}", "\"", "null", "vm1@a", "\"phase\" : \"merging\"", "1e99", "-1")
        .run(2_000, StateFuzzTest::take);
  }

  /** The input is the file. */
  public static String take(byte[] input) throws IOException {
    Path folder = Files.createDirectories(Path.of("target", "fuzz").toAbsolutePath());
    Path file = Files.createTempFile(folder, "state", ".json");
    try {
      Files.write(file, input);
      RuntimeState state = StateFile.look(file);
      return "read " + Long.bitCount(state.snapshots().size());
    } catch (RefusedException e) {
      String message = String.valueOf(e.getMessage());
      assertThat(message).contains(file.toString());
      assertThat(Files.readAllBytes(file)).isEqualTo(input);
      return message.replace(file.toString(), "").replaceAll("[0-9]+|\".*\"", "n");
    } finally {
      Files.delete(file);
    }
  }
}
