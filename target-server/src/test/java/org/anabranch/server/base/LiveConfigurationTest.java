// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.anabranch.config.Configuration;
import org.anabranch.config.VolumeConfig;
import org.anabranch.config.reader.ConfigurationFile;
import org.junit.jupiter.api.Test;

final class LiveConfigurationTest {
  private static Configuration configuration(String volumes) throws Exception {
    return ConfigurationFile.parse(
        "test", "anabranch { volumes { " + volumes + " } }", Path.of("/nowhere"));
  }

  @Test
  void whatIsLeftOutIsConfiguredAndNotServed() throws Exception {
    Configuration first = configuration("a { path = a, size = 1 MiB }, b { path = b }");
    LiveConfiguration live = new LiveConfiguration(first);
    assertThat(live.served()).containsOnlyKeys("a", "b");
    Map<String, VolumeConfig> before = live.served();
    VolumeConfig b = Objects.requireNonNull(live.served("b"));
    live.withdraw("b");
    assertThat(live.served("b")).isNull();
    assertThat(live.configured().volumes()).containsKey("b");
    assertThat(before).as("of an earlier moment").containsKey("b");
    live.serve(b);
    assertThat(live.served("b")).isEqualTo(b);

    Configuration second = configuration("b { path = b }, c { path = c, size = 1 MiB }");
    live.replace(second, Set.of("b", "a device"));
    assertThat(live.configured()).isSameAs(second);
    assertThat(live.served()).containsOnlyKeys("c");
  }
}
