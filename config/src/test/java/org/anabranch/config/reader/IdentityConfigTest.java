// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.anabranch.config.Configuration;
import org.anabranch.config.IdentityConfig;
import org.anabranch.config.InvalidConfigurationException;
import org.anabranch.config.VolumeConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class IdentityConfigTest {
  @TempDir Path folder;

  private Configuration read(String volumes) throws IOException, InvalidConfigurationException {
    Path file = folder.resolve("anabranch.conf");
    Files.writeString(file, "anabranch { volumes { " + volumes + " } }");
    return ConfigurationFile.read(file);
  }

  private static VolumeConfig volume(Configuration configuration, String name) {
    return Objects.requireNonNull(configuration.volumes().get(name));
  }

  @Test
  void theKeysOfAVolumeSetIt() throws Exception {
    Configuration configuration =
        read(
            "a { path = a, serial = S-1, naa = 500A0B8000000001, vendor = \"LIO-ORG\" }\n"
                + "b { path = b }");
    assertThat(volume(configuration, "a").identity())
        .isEqualTo(new IdentityConfig("S-1", "500a0b8000000001", "LIO-ORG", null, null, null));
    assertThat(volume(configuration, "b").identity()).isEqualTo(IdentityConfig.NONE);
  }

  @ParameterizedTest
  @CsvSource({
    "serial, \"with blank\"",
    "serial, \"\"",
    "naa, 6001405",
    "naa, 400a0b8000000001",
    "naa, 600a0b8000000001",
    "vendor, NINECHARS",
    "product, SEVENTEEN-LETTERS",
    "revision, 12345"
  })
  void whatDoesNotFitIsRefused(String key, String value) {
    assertThatThrownBy(() -> read("a { path = a, " + key + " = " + value + " }"))
        .isInstanceOf(InvalidConfigurationException.class)
        .hasMessageContaining(key);
  }

  @ParameterizedTest
  @CsvSource({"serial, same", "naa, 300a0b8000000001"})
  void twoVolumesDoNotShareAName(String key, String value) {
    String same = key + " = " + value;
    assertThatThrownBy(() -> read("a { path = a, " + same + " }\nb { path = b, " + same + " }"))
        .isInstanceOf(InvalidConfigurationException.class)
        .hasMessageContaining("which is volume a's");
  }
}
