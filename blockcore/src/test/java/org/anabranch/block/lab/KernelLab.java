// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** The kernel lab of this checkout: boots Linux with some disks and has it run a script. */
public final class KernelLab {
  private final Path testLab;

  private KernelLab(Path testLab) {
    this.testLab = testLab;
  }

  /** The lab, if it can be used; else skips the test, or fails it where tools are required. */
  public static KernelLab require() {
    Path testLab = find();
    String environment = Objects.requireNonNullElse(System.getenv("LAB"), "");
    String temporary = Objects.requireNonNullElse(System.getenv("TMPDIR"), "/tmp");
    Path built = environment.isEmpty() ? Path.of(temporary, "kernel-lab") : Path.of(environment);
    if (!isInstalled("qemu-system-x86_64")) {
      missing("qemu-system-x86_64 is not installed");
    }
    for (String part : List.of("vmlinux", "initramfs.cpio")) {
      if (!Files.exists(built.resolve(part))) {
        missing("no kernel lab in " + built + ": run test-lab/build");
      }
    }
    return new KernelLab(testLab);
  }

  private static Path find() {
    for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
      if (Files.isExecutable(at.resolve("test-lab/run"))) {
        return at.resolve("test-lab");
      }
    }
    throw new AssertionError("no test-lab/run above " + Path.of("").toAbsolutePath());
  }

  private static boolean isInstalled(String program) {
    for (String folder : System.getenv().getOrDefault("PATH", "").split(":", -1)) {
      if (Files.isExecutable(Path.of(folder, program))) {
        return true;
      }
    }
    return false;
  }

  private static void missing(String what) {
    if (Boolean.getBoolean("anabranch.requireTools")) {
      fail(what);
    }
    abort(what);
  }

  /**
   * Boots, does {@code steps} (see {@code guest/dm-steps.sh}) and powers off; what the guest's
   * console said. Fails unless every step succeeded.
   *
   * @param disks raw images: vda, vdb, ...
   */
  public List<String> run(List<String> steps, List<Path> disks)
      throws IOException, InterruptedException {
    Path stepFile = Files.createTempFile("steps", ".txt");
    Path console = Files.createTempFile("console", ".txt");
    try {
      Files.write(stepFile, steps);
      List<String> command =
          new ArrayList<>(
              List.of(
                  testLab.resolve("run").toString(),
                  testLab.resolve("guest/dm-steps.sh").toString(),
                  "--file",
                  stepFile + ":lab/steps"));
      disks.forEach(disk -> command.addAll(List.of("--disk", disk.toString())));
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(console.toFile())
              .start();
      process.getOutputStream().close();
      if (!process.waitFor(310, TimeUnit.SECONDS)) {
        process.destroy();
        fail("the lab did not end:%n%s", Files.readString(console));
      }
      List<String> said = Files.readAllLines(console);
      assertThat(process.exitValue()).as(() -> String.join("\n", said)).isZero();
      assertThat(said).contains("GUEST-OK");
      return said;
    } finally {
      Files.delete(stepFile);
      Files.delete(console);
    }
  }
}
