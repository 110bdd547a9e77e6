// SPDX-License-Identifier: Apache-2.0
package org.anabranch.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.anabranch.config.InvalidConfigurationException;
import org.anabranch.config.reader.ConfigurationFile;
import org.junit.jupiter.api.Test;

/** Any text at all as a configuration: it is read, or refused with problems that name the file. */
public final class ConfigurationFuzzTest {
  private static final Path BASE = Path.of("target", "fuzz").toAbsolutePath();

  @Test
  void configurations() throws Exception {
    new Fuzzer(
            "configurations",
            "anabranch {",
            "}",
            "volumes",
            "targets",
            "luns",
            "chap",
            "size = 1 MiB",
            "${?HOME}",
            "\"\"\"",
            "[",
            "= null",
            "include")
        .run(2_000, ConfigurationFuzzTest::take);
  }

  /** The input is the text of the file. */
  public static String take(byte[] input) {
    String text = new String(input, StandardCharsets.UTF_8);
    try {
      ConfigurationFile.parse("fuzz.conf", text, BASE);
      return "valid";
    } catch (InvalidConfigurationException e) {
      String message = String.valueOf(e.getMessage());
      assertThat(message).contains("fuzz.conf").doesNotContain("Exception");
      return message.lines().findFirst().orElse("").replaceAll("[0-9]+|'.*'|\".*\"", "n");
    }
  }
}
