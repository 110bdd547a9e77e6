// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.uses;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.anabranch.fuzz.Fuzzer;
import org.anabranch.server.base.RefusedException;
import org.junit.jupiter.api.Test;

/** Any bytes as uses.json: a record that is written as it was read, or damaged, or too new. */
public final class UseFuzzTest {
  @Test
  void uses() throws Exception {
    new Fuzzer(
            "uses", "{", "}", "[", "]", "\"", "null", "\"version\" : 1", "1e99", "-1", "\"uses\"")
        .run(2_000, UseFuzzTest::take);
  }

  /** The input is the file. */
  public static String take(byte[] input) throws IOException {
    Path folder = Files.createDirectories(Path.of("target", "fuzz").toAbsolutePath());
    Path state = Files.createTempDirectory(folder, "uses");
    UseFile file = new UseFile(state);
    try {
      Files.write(file.path(), input);
      RecordedUses read = file.read();
      assertThat(read).isNotNull();
      Files.writeString(file.path(), UseFile.render(read));
      assertThat(file.read()).isEqualTo(read);
      return "read";
    } catch (UseFile.DamagedException e) {
      return "damaged " + String.valueOf(e.getMessage()).replaceAll("[0-9]+|\".*\"", "n");
    } catch (RefusedException e) {
      assertThat(e.getMessage()).contains(file.path().toString());
      return "refused";
    } finally {
      Files.delete(file.path());
      Files.delete(state);
    }
  }
}
