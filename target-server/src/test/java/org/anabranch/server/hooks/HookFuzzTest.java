// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.hooks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.anabranch.block.sim.QuietLog;
import org.anabranch.fuzz.Fuzzer;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.hooks.BegunOperations.Entry;
import org.anabranch.server.state.DurableSteps;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Any bytes as hooks.json: it is read, and written as it was read, or it is put aside. */
@ExtendWith(QuietLog.class)
public final class HookFuzzTest {
  @Test
  void hooks() throws Exception {
    new Fuzzer(
            "hooks", "{", "}", "[", "]", "\"", "null", "\"version\":1", "\"begun\":", "@", "merge")
        .run(2_000, HookFuzzTest::take);
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
    Path state = Files.createTempDirectory(folder, "hooks");
    Path aside = state.resolve("hooks.json.damaged");
    try {
      Files.write(state.resolve("hooks.json"), input);
      BegunOperations begun = BegunOperations.open(state, DurableSteps.UNWATCHED);
      List<Entry> read = begun.all();
      if (Files.exists(aside)) {
        assertThat(read).isEmpty();
        assertThat(Files.readAllBytes(aside)).isEqualTo(input);
        return "damaged";
      }
      if (!read.isEmpty()) {
        Entry first = read.getFirst();
        begun.remove(first);
        begun.add(first);
        assertThat(BegunOperations.open(state, DurableSteps.UNWATCHED).all())
            .containsExactlyInAnyOrderElementsOf(read);
      }
      return "read";
    } catch (RefusedException e) {
      throw new AssertionError(e);
    } finally {
      for (String name : new String[] {"hooks.json", "hooks.json.new"}) {
        Files.deleteIfExists(state.resolve(name));
      }
      Files.deleteIfExists(aside);
      Files.delete(state);
    }
  }
}
