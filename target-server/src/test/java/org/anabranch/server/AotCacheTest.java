// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Whether the servers of the tests start quickly; with a cache that does not fit they only wait.
 */
final class AotCacheTest {
  @Test
  void commandsStartFromTheCache() throws Exception {
    List<String> line = new ArrayList<>(ServerProcess.command(Path.of("."), "--version"));
    line.add(1, "-XX:AOTMode=on"); // ends with an error where the cache cannot be used
    Tools.Result result = Tools.run(60, line.toArray(String[]::new)).expect(0);
    assertThat(line).anyMatch(option -> option.startsWith("-XX:AOTCache="));
    assertThat(result.output()).startsWith("anabranch ").hasLineCount(1);
  }
}
