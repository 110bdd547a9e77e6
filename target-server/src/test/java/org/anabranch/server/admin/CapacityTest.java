// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.admin;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.anabranch.config.Configuration;
import org.anabranch.config.LimitsConfig;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.server.base.Warning;
import org.junit.jupiter.api.Test;

/** Which limits fit into a process. */
final class CapacityTest {
  private static final long MIB = 1L << 20;

  private static Configuration read(String text) throws Exception {
    return ConfigurationFile.parse("test", "anabranch {\n" + text + "\n}", Path.of("/a"));
  }

  @Test
  void theDefaultsFitIntoHalfAGigabyte() throws Exception {
    Configuration configuration = read("");
    Capacity.Fitting fitting =
        new Capacity(495 * MIB, 495 * MIB, 8192 * MIB, 65536, 2).fit(configuration);
    assertThat(fitting.warnings()).isEmpty();
    assertThat(fitting.limits()).isEqualTo(configuration.limits());
  }

  @Test
  void aSmallHeapLowersMemoryAndSessionsAndSaysSo() throws Exception {
    Capacity.Fitting fitting = new Capacity(62 * MIB, 62 * MIB, 8192 * MIB, 65536, 2).fit(read(""));
    LimitsConfig limits = fitting.limits();
    assertThat(limits.memory()).isBetween(32 * MIB, 40 * MIB);
    assertThat(limits.sessions()).isBetween(128, 512);
    assertThat(fitting.warnings())
        .extracting(Warning::subject)
        .containsExactly("limits.memory", "limits.sessions");
    assertThat(fitting.warnings().getFirst().toString())
        .contains("is 256 MiB, and ")
        .contains("-Xmx");
  }

  /** A container of 256 MiB, in which the heap may have half. */
  @Test
  void aSmallControlGroupLowersMemoryAndSaysSo() throws Exception {
    Capacity.Fitting fitting =
        new Capacity(128 * MIB, 128 * MIB, 256 * MIB, 65536, 2).fit(read(""));
    assertThat(fitting.limits().memory()).isBetween(16 * MIB, 32 * MIB);
    assertThat(fitting.warnings().getFirst().toString())
        .contains("is 256 MiB, and ")
        .contains("outside of its heap, 48 MiB")
        .contains("MemoryMax");
  }

  @Test
  void fewDescriptorsLowerConnections() throws Exception {
    Capacity.Fitting fitting =
        new Capacity(1024 * MIB, 1024 * MIB, 8192 * MIB, 1024, 2).fit(read(""));
    assertThat(fitting.limits().connections()).isEqualTo(760);
    assertThat(fitting.limits().silentConnections()).isEqualTo(8);
    assertThat(fitting.limits().sessions()).isEqualTo(760);
    assertThat(fitting.warnings()).singleElement().asString().contains("ulimit -n");
  }

  @Test
  void silentConnectionsTakeWhatIsLeft() throws Exception {
    assertThat(
            new Capacity(1024 * MIB, 1024 * MIB, 8192 * MIB, 4096, 2)
                .fit(read(""))
                .limits()
                .silentConnections())
        .isEqualTo(4096 - 256 - 2048);
    assertThat(
            new Capacity(256 * MIB, 512 * MIB, 8192 * MIB, 65536, 2)
                .fit(read(""))
                .limits()
                .silentConnections())
        .as("an eighth of the heap")
        .isEqualTo(13107);
  }

  @Test
  void noProcessIsTooSmall() throws Exception {
    Capacity.Fitting fitting = new Capacity(8 * MIB, 8 * MIB, 8192 * MIB, 64, 64).fit(read(""));
    assertThat(fitting.limits().memory()).isEqualTo(MIB);
    assertThat(fitting.limits().connections()).isEqualTo(8);
    assertThat(fitting.limits().silentConnections()).isEqualTo(8);
    assertThat(fitting.limits().sessions()).isBetween(1, 16);
  }
}
