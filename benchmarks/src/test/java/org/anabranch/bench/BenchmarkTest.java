// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** Rehearsals of {@code build/bench own} and {@code rbd}: that they run, whatever their figures. */
@EnabledIfSystemProperty(
    named = "anabranch.requireTools",
    matches = "true",
    disabledReason = "takes long: runs with -Danabranch.requireTools=true, as in .ci/run")
final class BenchmarkTest {
  @TempDir private Path root;

  /** Starts the server from this class path, as {@code ./anabranch} does from the build. */
  private Path launcher() throws Exception {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    Path launcher = root.resolve("anabranch");
    Files.writeString(
        launcher,
        "#!/bin/sh\nexec '%s' --enable-native-access=ALL-UNNAMED -XX:+UseSerialGC -cp '%s' %s \"$@\"\n"
            .formatted(
                java,
                System.getProperty("java.class.path"),
                org.anabranch.server.Main.class.getName()));
    Files.setPosixFilePermissions(launcher, PosixFilePermissions.fromString("rwxr-xr-x"));
    return launcher;
  }

  @Test
  void benchPrintsFigures() throws Exception {
    Path file = Files.write(root.resolve("disk.img"), new byte[4 << 20]);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (Anabranch server = Anabranch.start(launcher(), root.resolve("bench"), List.of(file))) {
      Bench.parse(
              server.url(0),
              "--seconds",
              "2",
              "--warmup",
              "0.1",
              "--read",
              "70",
              "--sessions",
              "2",
              "--digests",
              "--size",
              "8k")
          .run(new PrintStream(out, true, UTF_8));
    }
    assertThat(out.toString(UTF_8).lines().toList())
        .hasSize(3)
        .allSatisfy(line -> assertThat(line).matches(".* \\d+ IOPS, .* p99 .*"))
        .last()
        .asString()
        .containsPattern(" [1-9]\\d* IOPS");
    assertThatThrownBy(() -> Bench.parse("iscsi://h/t/0", "--depth", "3"))
        .hasMessageContaining("--depth");
    assertThatThrownBy(() -> Bench.parse("tcp://x")).hasMessageContaining("iscsi://");
  }

  @Test
  void everyLoadRuns() throws Exception {
    launcher();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    Benchmark.run(
        new PrintStream(bytes, true, UTF_8),
        root.toString(),
        root.resolve("files").toString(),
        "1",
        "0",
        "own");

    List<String> lines = bytes.toString(UTF_8).lines().toList();
    for (String load :
        List.of(
            "reads, QD 32, nothing copied | origin",
            "reads, QD 32, nothing copied | snapshot",
            "reads, QD 32, all copied | linear",
            "writes, QD 32, all copied | snapshot",
            "chunks of 4 KiB, QD 1 | origin",
            "chunks of 8 KiB, QD 32 | loop",
            "4 KiB, 70 % reads, QD 32 | alone")) {
      assertThat(lines)
          .filteredOn(line -> line.contains(load))
          .singleElement()
          .asString()
          .doesNotContain("failed");
    }
    assertThat(root.resolve("files/anabranch-benchmark")).doesNotExist();
  }

  @Test
  void aVolumeOnCephRunsBesideRbdBench() throws Exception {
    String wanted = System.getProperty("anabranch.ceph", "where it is");
    Assumptions.assumeFalse(wanted.equals("false"), "-Danabranch.ceph=false");
    launcher();
    Path script = Path.of("../test-lab/ceph").toAbsolutePath();
    Files.copy(
        script,
        Files.createDirectory(root.resolve("test-lab")).resolve("ceph"),
        StandardCopyOption.COPY_ATTRIBUTES);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    try {
      Benchmark.run(
          new PrintStream(bytes, true, UTF_8),
          root.toString(),
          root.resolve("files").toString(),
          "1",
          "0",
          "rbd");
    } catch (IOException e) {
      String reason = String.valueOf(e.getMessage());
      boolean isWithoutCeph = reason.contains("test-lab/ceph: there is no ");
      Assumptions.assumeFalse(isWithoutCeph && !wanted.equals("true"), reason);
      throw e;
    }

    List<String> lines = bytes.toString(UTF_8).lines().toList();
    for (String load :
        List.of(
            "writes, QD 32 | image",
            "writes, QD 32 | rbd bench",
            "reads, QD 32 | device",
            "reads, QD 32 | rbd bench",
            "reads, QD 32 | file")) {
      assertThat(lines)
          .filteredOn(line -> line.contains(load))
          .first()
          .asString()
          .containsPattern("\\| [1-9]\\d* \\|")
          .doesNotContain("failed");
    }
    assertThat(lines)
        .filteredOn(line -> line.matches(".*reads, QD 32 \\| device( \\| \\d+){4}.*"))
        .hasSize(1);
    assertThat(root.resolve("files/anabranch-benchmark")).doesNotExist();
  }
}
