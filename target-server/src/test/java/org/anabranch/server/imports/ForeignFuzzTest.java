// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.imports;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.anabranch.fuzz.Fuzzer;
import org.anabranch.server.base.RefusedException;
import org.junit.jupiter.api.Test;

/**
 * Any bytes as tgt's targets.conf and as LIO's saveconfig.json: they become a configuration, or are
 * refused by the file's name.
 */
public final class ForeignFuzzTest {
  @Test
  void foreign() throws Exception {
    new Fuzzer(
            "foreign",
            "<target iqn.2026-11.org.example:a>\n",
            "</target>\n",
            "<backing-store /dev/vg/a>\n",
            "</backing-store>\n",
            "direct-store /dev/b\n",
            "initiator-address 10.0.0.0/8\n",
            "incominguser a b\n",
            "{\"storage_objects\": [",
            "\"targets\": [{",
            "\"tpgs\": [",
            "null",
            "]}",
            "lun 1e9")
        .run(1_000, ForeignFuzzTest::take);
  }

  private interface Reader {
    ImportedConfiguration read(Path file) throws RefusedException;
  }

  /** The input is the file. */
  public static String take(byte[] input) throws IOException {
    Path folder = Files.createDirectories(Path.of("target", "fuzz").toAbsolutePath());
    Path file = Files.createTempFile(folder, "foreign", ".conf");
    try {
      Files.write(file, input);
      return outcome(file, TgtImport::read) + " | " + outcome(file, LioImport::read);
    } finally {
      Files.delete(file);
    }
  }

  private static String outcome(Path file, Reader reader) {
    try {
      return "read " + Integer.bitCount(reader.read(file).toString().length());
    } catch (RefusedException e) {
      String message = String.valueOf(e.getMessage());
      assertThat(message).contains(file.toString());
      return message.replace(file.toString(), "").replaceAll("[0-9]+|\".*\"|'.*'|: .*", "n");
    }
  }
}
