// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.admin;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.anabranch.config.Configuration;
import org.anabranch.config.DeviceConfig;
import org.anabranch.config.VolumeConfig;
import org.anabranch.config.reader.ConfigurationFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The difference of two configurations. */
final class ReloadPlanTest {
  private static final String TEXT =
      """
      portals = ["127.0.0.1:3260"]
      state-dir = state
      volumes {
        v { path = v.img, size = 8 MiB }
        w { path = w.img, size = 8 MiB }
      }
      devices { d = "0 8 linear v 0" }
      targets {
        "iqn.2026-11.org.example:t" {
          luns { 0 = v, 1 = w, 2 = d }
          chap { user = u, secret = first-secret-16 }
        }
      }
      limits { sessions = 10 }
      """;

  private static Configuration read(String text, String folder) throws Exception {
    return ConfigurationFile.parse("test", "anabranch {\n" + text + "\n}", Path.of(folder));
  }

  private static ReloadPlan plan(String from, String to) throws Exception {
    return ReloadPlan.of(read(TEXT, "/a"), read(TEXT.replace(from, to), "/a"));
  }

  @Test
  void theSameFileIsNoChange() throws Exception {
    assertThat(plan("", "").isEmpty()).isTrue();
    assertThat(plan("\n", "\n# a remark\n").isEmpty()).isTrue();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "127.0.0.1:3260 | 127.0.0.1:3261 | portal 127.0.0.1:3261 added; portal 127.0.0.1:3260 removed",
        "w.img, size = 8 MiB | w.img, size = 9 MiB | volume w: size",
        "w.img, size = 8 MiB | w.img, size = 8 MiB, limits.iops = 5 | volume w: rate limits",
        "w.img, size = 8 MiB | w.img, size = 4 MiB | volume w: a smaller size, to which volume resize may shrink it",
        "limits { | stores { warn-below = 2 GiB }, limits { | stores: when they grow",
        "linear v 0 | linear v 8 | device d: table",
        ", 2 = d | | target iqn.2026-11.org.example:t: LUN 2 removed",
        "2 = d | 3 = d | target iqn.2026-11.org.example:t: LUN 2 removed; target iqn.2026-11.org.example:t: LUN 3 added",
        "2 = d | 2 { device = d, read-only = true } | target iqn.2026-11.org.example:t: LUN 2 changed",
        "first-secret-16 | other-secret-16 | target iqn.2026-11.org.example:t: who may log in",
        "example:t | example:s | target iqn.2026-11.org.example:t removed; target iqn.2026-11.org.example:s added",
        "sessions = 10 | sessions = 11 | limits changed, for the logins to come",
      })
  void eachChangeIsNamed(String from, String to, String summary) throws Exception {
    ReloadPlan plan = plan(from, to == null ? "" : to);
    assertThat(String.join("; ", plan.summary())).isEqualTo(summary);
    assertThat(plan.refusals()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "state-dir = state | state-dir = other | state-dir cannot change from /a/state to /a/other",
        "path = v.img, | path = x.img, | volumes.v: path cannot change",
        "path = v.img, | path = v.img, read-only = true, | volumes.v: read-only cannot change",
        "path = v.img, | path = v.img, removable = true, | volumes.v: removable cannot change",
        "path = v.img, | path = v.img, block-size = 4096, | volumes.v: block-size, physical-block-size cannot",
        "path = v.img, | path = v.img, physical-block-size = 4096, | volumes.v: physical-block-size cannot",
      })
  void whatCannotBeIsRefusedByName(String from, String to, String refusal) throws Exception {
    assertThat(plan(from, to).refusals()).singleElement().asString().startsWith(refusal);
  }

  @Test
  void whatComesAndGoesIsListed() throws Exception {
    ReloadPlan plan =
        ReloadPlan.of(
            read(TEXT, "/a"),
            read(
                TEXT.replace("w { path = w.img", "x { path = x.img").replace("1 = w", "1 = x"),
                "/a"));
    assertThat(plan.newVolumes()).extracting(VolumeConfig::name).containsExactly("x");
    assertThat(plan.oldVolumes()).extracting(VolumeConfig::name).containsExactly("w");
    ReloadPlan moved =
        ReloadPlan.of(read(TEXT, "/a"), read(TEXT.replace("linear v 0", "linear ./y 0"), "/a"));
    assertThat(moved.changedDevices()).extracting(DeviceConfig::name).containsExactly("d");
  }
}
