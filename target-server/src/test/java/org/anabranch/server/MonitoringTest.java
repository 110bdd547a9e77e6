// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Json;
import org.anabranch.server.control.verbs.VolumeImportVerb;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What can be watched while a merge, a copy and an import are under way. */
final class MonitoringTest {
  private static final Path MONITORING = Path.of("../docs/monitoring");
  private static final String TARGET = "iqn.2026-11.org.example:vm1";
  private static final int MIB = 1 << 20;
  private static final String CONFIGURATION =
      """
      http { listen = "127.0.0.1:0" }
      volumes { vm1 { path = vm1.img, size = 16 MiB }, vm2 { path = vm2.img, size = 16 MiB } }
      targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1, 1 = vm2 } } }
      hooks { after-create = ["/bin/true"] }
      snapshots { yearly { volumes = [vm1], every = 366 d, keep = 1 } }
      """;

  @TempDir private Path folder;
  private Site site;

  @BeforeEach
  void site() {
    site = new Site(folder);
  }

  private CompletableFuture<Void> receive(String volume, InputStream in) {
    return CompletableFuture.runAsync(
        () -> {
          try {
            var _ =
                site.client()
                    .upload(
                        VolumeImportVerb.CALL,
                        new VolumeImportVerb.Arguments(volume, null, false),
                        state -> {},
                        Channels.newChannel(in));
          } catch (RefusedException e) {
            throw new AssertionError(e);
          }
        },
        task -> Thread.ofPlatform().daemon().start(task));
  }

  private static void fill(Disk disk) throws Exception {
    for (int mib = 0; mib < 4; mib++) {
      byte[] data = new byte[MIB];
      Arrays.fill(data, (byte) (mib + 1));
      Initiator.await(disk.write(mib * (MIB / 512L), ByteBuffer.wrap(data)), 30);
    }
  }

  @Test
  void copiesImportsAndMergesAreShownWhileTheyAreUnderWay() throws Exception {
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(CONFIGURATION)) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      fill(host.disk(0));
      site.ask("snapshot create", Map.of("volume", "vm1", "name", "a"));
      byte[] stream = site.export("vm1@a");
      assertThat(Site.metrics(server))
          .contains("anabranch_volume_copies 0.0", "anabranch_imports 0.0")
          .doesNotContain("anabranch_volume_copy_", "anabranch_import_received");
      site.ask("snapshot create", Map.of("volume", "vm2", "name", "m", "chunk-sectors", 8));
      fill(host.disk(1));
      site.ask("snapshot merge", Map.of("name", "vm2@m", "now", true, "throttle", 4096));
      site.dm("suspend", "vm1@a"); // a copy of it waits
      site.anabranch(0, "volume", "create", "copy", "--from", "vm1@a");
      PipedOutputStream out = new PipedOutputStream();
      try (PipedInputStream in = new PipedInputStream(out, stream.length)) {
        out.write(stream, 0, stream.length - 1);
        out.flush();
        CompletableFuture<Void> received = receive("other", in);
        Await.until(
            "most of the import is received",
            () ->
                Site.metrics(server)
                    .matches("(?s).*anabranch_import_received_bytes\\{volume=\"other\"} [1-9].*"));
        String metrics = Site.metrics(server);
        assertThat(metrics)
            .contains(
                "anabranch_volume_copies 1.0",
                "anabranch_volume_copy_done_bytes{from=\"vm1@a\",volume=\"copy\"} 0.0",
                "anabranch_volume_copy_size_bytes{from=\"vm1@a\",volume=\"copy\"} 1.6777216E7",
                "anabranch_imports 1.0",
                "anabranch_import_applying{volume=\"other\"} 0.0",
                "anabranch_import_applied_bytes{volume=\"other\"} 0.0");
        assertThat(missing(metrics)).as("what rules and dashboard ask for").isEmpty();
        String status = site.anabranch(0, "status");
        assertThat(status)
            .containsPattern(
                "IMPORT INTO +SNAPSHOT +STATE\nother +a +[1-4](\\.[0-9]+)? MiB received\n");
        assertThat(site.anabranch(0, "volume", "list")).containsPattern("copy +.*copying");
        site.dm("resume", "vm1@a");
        out.write(stream, stream.length - 1, 1);
        out.close();
        received.get(60, TimeUnit.SECONDS);
      }
      Await.until(
          "the copy is a volume",
          () -> Site.metrics(server).contains("anabranch_volume_copies 0.0"));
      assertThat(Site.metrics(server))
          .contains("anabranch_imports 0.0")
          .doesNotContain("anabranch_volume_copy_", "anabranch_import_received");
      assertThat(site.anabranch(0, "status")).doesNotContain("IMPORT INTO").contains("other@a");
      assertThat(server.terminate()).isZero();
    }
  }

  /** Metrics that rules or dashboard name, and that there are not. */
  private static Set<String> missing(String metrics) throws IOException {
    Set<String> names =
        metrics
            .lines()
            .filter(line -> !line.startsWith("#"))
            .map(line -> line.split("[{ ]", 2)[0])
            .collect(Collectors.toSet());
    Set<String> missing = new TreeSet<>();
    for (String file : List.of("alerts.yml", "dashboard.json")) {
      Pattern.compile("\\b(?:anabranch|jvm|process)_[a-z0-9_]+")
          .matcher(Files.readString(MONITORING.resolve(file)))
          .results()
          .map(found -> found.group())
          .filter(name -> !names.contains(name))
          .forEach(missing::add);
    }
    assertThat(Json.parse(Files.readString(MONITORING.resolve("dashboard.json"))))
        .containsKeys("panels", "templating", "title");
    return missing;
  }
}
