// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.SessionOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Which sessions count as users of a LUN. */
@Timeout(120)
final class LunUseTest {
  private static final String TARGET = "iqn.2026-11.org.example:vm1";
  private static final String BACKUP = "iqn.2026-11.org.example:backup";

  @TempDir private Path folder;

  @Test
  void onlyASessionThatSeesTheSnapshotKeepsItFromBeingRemoved() throws Exception {
    Site site = new Site(folder);
    try (ServerProcess server =
            site.serve(
                """
                volumes { vm1 { path = vm1.img, size = 16 MiB } }
                targets {
                  "iqn.2026-11.org.example:vm1" {
                    luns {
                      0 = vm1
                      1 { device = "vm1@a", initiators = ["iqn.2026-11.org.example:backup"] }
                    }
                  }
                }
                """);
        Initiator initiator = new Initiator()) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      site.ask("snapshot create", Map.of("volume", "vm1", "name", "a"));
      assertThat(host.luns()).containsExactly(0);
      site.ask("snapshot remove", Map.of("name", "vm1@a"));

      site.ask("snapshot create", Map.of("volume", "vm1", "name", "a"));
      SessionOptions backup = SessionOptions.normal(TARGET).as(BACKUP);
      Site.Host reader = Site.Host.logIn(initiator, server.portal(), backup);
      assertThat(reader.luns()).containsExactly(0, 1);
      assertThat(site.refusal("snapshot remove", Map.of("name", "vm1@a"))).contains("1 session;");
      site.ask("snapshot remove", Map.of("name", "vm1@a", "force", true));
      assertThat(reader.luns()).containsExactly(0);
      assertThat(host.lives()).isTrue();

      List<?> sessions =
          (List<?>) Objects.requireNonNull(site.ask("session list", Map.of()).get("sessions"));
      assertThat(sessions)
          .extracting(session -> ((Map<?, ?>) session).get("portal"))
          .isEqualTo(List.of(server.portal(), server.portal()));
      assertThat(site.anabranch(0, "session", "list")).contains("PORTAL").contains(server.portal());
      assertThat(server.terminate()).isZero();
    }
  }

  @Test
  void aDeviceThatIsMadeOfASnapshotIsNamedWhenItKeepsIt() throws Exception {
    Site site = new Site(folder);
    try (ServerProcess server =
        site.serve(
            """
            volumes { vm1 { path = vm1.img, size = 16 MiB } }
            targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 } } }
            """)) {
      site.ask("snapshot create", Map.of("volume", "vm1", "name", "a"));
      site.dmTable("0 8 linear vm1@a 0", "create", "part");
      assertThat(site.refusal("snapshot remove", Map.of("name", "vm1@a")))
          .isEqualTo("snapshot vm1@a is part of part: remove that first");
      site.dm("remove", "part");
      site.ask("snapshot remove", Map.of("name", "vm1@a"));
      assertThat(site.refusal("dm wait", Map.of("name", "nosuch")))
          .isEqualTo("dm wait nosuch: No such device or address: nosuch");
      assertThat(server.terminate()).isZero();
    }
  }
}
