// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.history;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.SplittableRandom;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.history.Checker;
import org.anabranch.initiator.history.Event;
import org.anabranch.initiator.history.HistoryLog;
import org.anabranch.initiator.history.Recorder;
import org.anabranch.initiator.history.ServedDisks.Served;
import org.anabranch.server.ServerProcess;
import org.anabranch.server.Site;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real server with a disk that loses writes: is it found out, also from the log alone? */
final class HistoryCatchesTest {
  private static final String TARGET = "iqn.2026-11.org.example:lossy";

  /** Up for a second, then it drops writes for a second and answers them well. */
  private static final String CONFIGURATION =
      """
      volumes { vm1 { path = vm1.img, size = 1 MiB } }
      devices { lossy = "0 2048 flakey vm1 0 1 1 1 drop_writes" }
      targets { "iqn.2026-11.org.example:lossy" { luns { 0 = lossy } } }
      """;

  @TempDir private Path folder;

  @Test
  void aDiskThatDropsWrites() throws Exception {
    Site site = new Site(folder);
    Path log = folder.resolve("history.log");
    try (Recorder recorder = new Recorder(log, false);
        RecordedServer hosts = new RecordedServer(recorder);
        ServerProcess server = site.serve(CONFIGURATION)) {
      recorder.happened(new Event.NewDisk("lossy", 2048));
      hosts.served.serve(new Served("lossy", TARGET, 0, 2048, 512, true));
      hosts.host(TARGET).start(4, new SplittableRandom(1));
      hosts.at(server.portal());
      Await.until("a violation", () -> recorder.violation().isPresent());
      hosts.stop();
      assertThat(recorder.violation().orElseThrow().text()).contains("lossy, block ");
      assertThat(Checker.check(HistoryLog.read(log))).isEqualTo(recorder.violation());
    }
  }
}
