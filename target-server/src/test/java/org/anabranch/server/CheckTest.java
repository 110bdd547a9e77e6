// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** {@code check}: what a file means, or all that is wrong with it; nothing is made or changed. */
final class CheckTest {
  @TempDir private Path folder;

  private record Result(int status, String out, String err) {}

  private Result check(String text) throws Exception {
    Path file = Files.writeString(folder.resolve("a.conf"), "anabranch {\n" + text + "\n}\n");
    return run("check", file.toString());
  }

  private static Result run(String... words) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine command = Main.commandLine();
    command.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
    int status = command.execute(words);
    return new Result(status, out.toString(), err.toString());
  }

  @Test
  void theWriteCacheIsShownIfThereIsOne() throws Exception {
    assertThat(check("write-cache { size = 64 MiB, path = /dev/shm/ring }").out())
        .contains("write cache: 64 MiB in /dev/shm/ring\n");
    assertThat(check("state-dir = state, write-cache.size = 1 MiB").out())
        .contains("write cache: 1 MiB in " + folder.resolve("state/write-cache") + "\n");
    assertThat(check("write-cache.size = 0").out()).doesNotContain("write cache");
  }

  @Test
  void limitsAndHooksAreShownAndWhatIsUselessIsAWarning() throws Exception {
    Result result =
        check(
            """
            volumes {
              a { path = a.img, size = 1 MiB, limits { iops = 500, read-iops = 900, write-bytes-per-second = 5 MB/s } }
              b { path = b.img, size = 1 MiB, limits { burst = 1 s }, hooks { before-create = [] } }
            }
            hooks { before-create = ["/nothing/here", vm1], after-create = "/bin/true", on-failure = go-on }
            """);
    assertThat(result.status()).isZero();
    assertThat(result.out())
        .contains("limits of a: 500 iops, 900 read iops, 5 MB/s written\n")
        .contains(
            "hooks: before-create runs /nothing/here vm1, after-create runs /bin/true, for 10.0 s at"
                + " most; after a failure it goes on\n")
        .contains("hooks of b: after-create runs /bin/true, for");
    assertThat(result.err())
        .contains("a.conf:3: anabranch.volumes.a.limits.read-iops: it changes nothing: iops holds")
        .contains("a.conf:4: anabranch.volumes.b.limits.burst: there is no limit")
        .contains("a.conf:6: anabranch.hooks.before-create: there is no program /nothing/here");
  }

  /** Rates are looked for at other places than where they are. */
  @Test
  void aRateLimitAtAWrongPlaceIsToldWhereItBelongs() throws Exception {
    String belongs = "unknown key; rate limits belong to a volume: volumes { NAME { limits { iops";
    assertThat(check("volumes { a { path = a.img, size = 1 MiB, iops = 5 } }").err())
        .contains("volumes.a.iops: " + belongs);
    assertThat(check("limits { bytes-per-second = 5 MB }").err())
        .contains("limits.bytes-per-second: " + belongs);
  }

  /** What a shell makes of {@code <(command)}, and standard input, can be read only once. */
  @Test
  void aPipeIsReadOnce() throws Exception {
    Path pipe = folder.resolve("pipe");
    Tools.run(10, "mkfifo", pipe.toString()).expect(0);
    String text =
        "anabranch { volumes { v { path = v.img, size = 1 MiB } }\n"
            + "targets { \"iqn.2026-11.org.example:t\" { luns { 0 = v } } } }\n";
    var written =
        CompletableFuture.runAsync(() -> {
          try {
            Files.writeString(pipe, text);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
    Result result = run("check", pipe.toString());
    written.join();
    assertThat(result.err()).isEmpty();
    assertThat(result.status()).isZero();
    assertThat(result.out()).contains("lun 0: v, 1 MiB");
  }

  @Test
  void whatAFileMeansIsShown() throws Exception {
    Result result =
        check(
            """
            portals = ["127.0.0.1:3260", "[::1]:3261"]
            state-dir = state
            volumes { vm1 { path = vm1.img, size = 2 GiB, block-size = 4096 } }
            devices { d = ["0 2048 linear vm1 0", "2048 2048 zero"] }
            targets {
              "iqn.2026-11.org.example:t" {
                luns { 0 = vm1, 1 { device = d, read-only = true, initiators = ["iqn.2026-11.org.example:b"] } }
                initiators = ["iqn.2026-11.org.example:*"]
                addresses = ["192.0.2.0/24"]
                chap { user = u, secret = twelve-bytes-long }
              }
            }
            """);
    assertThat(result.err()).contains("warning: device d: it is made of vm1, and both are LUNs");
    assertThat(result.status()).isZero();
    assertThat(result.out())
        .isEqualTo(
            """
            portal 127.0.0.1:3260
            portal [0:0:0:0:0:0:0:1]:3261
            target iqn.2026-11.org.example:t for iqn.2026-11.org.example:* from 192.0.2.0/24 with CHAP
              lun 0: vm1, 2 GiB, 4096-byte blocks
              lun 1: d, read-only, only for iqn.2026-11.org.example:b
            d: 0 2048 linear vm1 0
            d: 2048 2048 zero
            vm1: 0 4194304 snapshot-origin %s
            """
                .formatted(folder.resolve("vm1.img")));
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(folder.resolve("a.conf"));
    }
  }

  // Names that other software has made are kept, with a warning.
  @Test
  void warningsDoNotRefuseAFile() throws Exception {
    Result result =
        check(
            """
            portals = "127.0.0.1:3260"
            state-dir = state
            volumes { vm1 { path = vm1.img, size = 2 GiB } }
            targets {
              "iqn.2016-01-com.example.tg1" { luns { 0 = vm1 } }
            }
            """);
    assertThat(result.status()).isZero();
    assertThat(result.out()).contains("target iqn.2016-01-com.example.tg1 for anybody");
    assertThat(result.err().lines())
        .singleElement()
        .asString()
        .startsWith("warning: " + folder.resolve("a.conf") + ":6: anabranch.targets.")
        .contains("not a standard iSCSI name: iqn. is followed by YYYY-MM.reversed.domain");
  }

  @Test
  void allThatIsWrongIsToldAtOnce() throws Exception {
    Result bad = check("portals = [\"nowhere\"]\nvolumes { a { } }\ncolour = red");
    assertThat(bad.status()).isEqualTo(2);
    assertThat(bad.err())
        .contains("anabranch.portals")
        .contains("anabranch.volumes.a.path")
        .contains("anabranch.colour: unknown key");

    Result refused =
        check(
            """
            volumes { a { path = a.img }, b { path = b.img, size = 1 MiB } }
            devices { d = "0 4096 linear b 0", e = "0 8 linear /no/such.img 0" }
            targets { "iqn.2026-11.org.example:t" { luns { 0 = b } } }
            """);
    assertThat(refused.status()).as("a server starts, and leaves these out").isEqualTo(1);
    assertThat(refused.out()).contains("lun 0: b");
    String file = folder.resolve("a.conf").toString();
    assertThat(refused.err().lines())
        .hasSize(3)
        .anyMatch(line ->
            line.startsWith("would be left out: " + file + ":2: anabranch.volumes.a: " + folder))
        .anyMatch(
            line -> line.startsWith("would be left out: " + file + ":3: anabranch.devices.d: "))
        .anyMatch(line ->
            line.startsWith("would be left out: " + file + ":3: anabranch.devices.e: ")
                && line.contains("/no/such.img"));

    Result circle = check("devices { d = \"0 8 linear e 0\", e = \"0 8 linear d 0\" }");
    assertThat(circle.status()).isEqualTo(2);
    assertThat(circle.err())
        .startsWith(file + ":2: anabranch.devices.d: devices stand on each other");
  }
}
