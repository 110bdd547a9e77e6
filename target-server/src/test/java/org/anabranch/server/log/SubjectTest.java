// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.log;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

final class SubjectTest {
  @Test
  void aPackageWithoutARowHasThatOfThePackageAroundIt() {
    assertThat(Subject.of("org.anabranch.iscsi.login.Login")).isEqualTo("iscsi");
    assertThat(Subject.of("org.anabranch.block.snapshot.group.Merge")).isEqualTo("snapshot");
    assertThat(Subject.of("org.anabranch.server.control.verbs.X")).isEqualTo("control");
    assertThat(Subject.of("io.netty.channel.X")).isEqualTo("network");
    assertThat(Subject.of("com.example.X")).isEqualTo("server");
    assertThat(Subject.of("X")).isEqualTo("server");
  }

  /** No class's name, and no package's either that no administrator knows. */
  @Test
  void everyPackageThatLogsHasASubject() throws IOException {
    List<String> without = new ArrayList<>();
    for (String module : List.of("blockcore", "target-server", "test-initiator")) {
      Path sources = Path.of("..", module, "src/main/java");
      try (Stream<Path> files = Files.walk(sources)) {
        for (Path file : files.filter(each -> each.toString().endsWith(".java")).toList()) {
          String name = sources.relativize(file).toString().replace('/', '.');
          if (Files.readString(file).contains("LoggerFactory.getLogger(")
              && Subject.of(name).equals(Subject.OTHER)
              && !name.startsWith("org.anabranch.server.")) {
            without.add(name);
          }
        }
      }
    }
    assertThat(without).isEmpty();
  }
}
