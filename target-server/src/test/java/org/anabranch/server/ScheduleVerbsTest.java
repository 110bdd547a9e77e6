// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.anabranch.block.testing.Await;
import org.anabranch.server.base.RefusedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What check, status, snapshot list, the metrics and a reload say of schedules. */
final class ScheduleVerbsTest {
  private static final String VOLUMES =
      "volumes { vm1 { path = vm1.img, size = 1 MiB }, vm2 { path = vm2.img, size = 1 MiB } }\n";

  @TempDir private Path folder;

  private static String schedules(String text) {
    return VOLUMES + "snapshots { " + text + " }\n";
  }

  /** The server before this one was stopped long ago. */
  private void missed() throws Exception {
    Files.createDirectories(folder.resolve("state"));
    Files.writeString(
        folder.resolve("state/schedules.json"),
        """
        {"version":1,"schedules":{"yearly":{"every-seconds":%d,"offset-seconds":0,
        "done":"2000-01-01T00:00:00Z","run":4}}}
        """
            .formatted(366L * 86_400));
  }

  private static String status(Site site) throws RefusedException {
    return String.valueOf(site.ask("status", Map.of()).get("schedules"));
  }

  @Test
  void whatTheyDoIsSeenEverywhere() throws Exception {
    Site site = new Site(folder);
    missed();
    String yearly = "yearly { volumes = [vm1, vm2], every = 366 d, keep = 2, read-only = true }";
    try (ServerProcess server =
        site.serve(schedules(yearly) + "http { listen = \"127.0.0.1:0\" }")) {
      Await.until(
          "the run",
          () -> status(site),
          text -> text.contains("last-result=done") && text.contains("running=false"));
      assertThat(status(site)).contains("snapshots=2").contains("keep=2").contains("running=false");
      assertThat(site.anabranch(0, "status"))
          .containsPattern("yearly +vm1 vm2 +366 d +2 +2 +20\\S+Z +20\\S+Z +done");
      assertThat(site.anabranch(0, "snapshot", "list"))
          .containsPattern("SNAPSHOT +TAKEN +PHASE +STORE +SCHEDULE")
          .containsPattern("vm2@yearly-20\\d{6}T0000Z .* yearly\n");
      assertThat(site.ask("snapshot list", Map.of()).toString())
          .contains("schedule=yearly")
          .contains("read-only=true");
      String metrics = Site.metrics(server);
      assertThat(metrics)
          .contains("anabranch_schedule_failed{schedule=\"yearly\"} 0.0")
          .contains("anabranch_schedule_runs_total{schedule=\"yearly\"} 1.0")
          .contains("anabranch_schedule_next_run_timestamp_seconds{schedule=\"yearly\"}");
      assertThat(site.anabranch(0, "schedule", "pause", "yearly"))
          .isEqualTo("schedule yearly is paused\n");
      assertThat(site.anabranch(0, "schedule", "list")).containsPattern("yearly .* +paused +20");
      assertThat(site.check(0)).containsPattern("schedule yearly: .* are kept, paused\n");
      assertThat(site.anabranch(0, "schedule", "run", "yearly"))
          .isEqualTo("schedule yearly: the snapshots were taken\n");
      assertThat(status(site)).contains("snapshots=4", "paused=true");
      assertThat(site.anabranch(0, "schedule", "resume", "yearly"))
          .startsWith("schedule yearly is resumed; it is due at 20");
      assertThat(site.anabranch(1, "schedule", "run", "never")).contains("never", "yearly");
      assertThat(server.errors()).contains("schedule pause", "schedule run", "schedule resume");
      site.configure(
          schedules(yearly + ", often { volumes = [vm1], every = 1 h, keep = 24 }")
              + "http { listen = \"127.0.0.1:0\" }");
      assertThat(site.ask("reload", Map.of()).toString()).contains("schedules changed");
      assertThat(status(site)).contains("name=often").contains("every-seconds=3600");
      assertThat(server.terminate()).isZero();
    }
    assertThat(site.check(0))
        .containsPattern(
            "schedule often: snapshots of vm1 every 1 h, the newest 24 are kept, next at"
                + " 20\\S+:00:00Z");
  }

  @Test
  void whatCannotBeIsRefusedByLine() throws Exception {
    Site site = new Site(folder);
    site.configure(
        schedules(
                """
                one { volumes = [vm1, vm1], every = 1 h, keep = 0 }
                two { volumes = ["vm1@a"], every = 1 s, keep = 1 }
                three { volumes = [d], every = 1 h, keep = 1, offset = 1 h }
                four { every = 1 h, keep = 1, size = 8 KiB, chunk-size = 8 KiB, hourly = 1 }
                """)
            + "devices { d = \"0 8 zero\" }");
    assertThat(site.check(2))
        .contains("snapshots.one.volumes: found vm1 twice")
        .contains("snapshots.one.keep: found \"0\"")
        .contains("snapshots.two.volumes: found \"vm1@a\"; allowed: the name of a volume, not of")
        .contains("snapshots.two.every: found \"1 s\"")
        .contains("snapshots.three.volumes: found d, which is a device")
        .contains("snapshots.three.offset: found 1 h; allowed: whole seconds, less than every")
        .contains("snapshots.four.volumes: missing")
        .contains("snapshots.four.size: found 8 KiB, too small")
        .contains("snapshots.four.hourly: unknown key");
    site.configure(schedules("one { volumes = [vm9], every = 1 h, keep = 1 }"));
    assertThat(site.check(0)).contains("there is no volume vm9 in the file");
  }
}
