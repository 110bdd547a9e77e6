// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Runs what we compare ourselves with. */
final class Programs {
  private Programs() {}

  /** The seconds it took. */
  static double run(String... command) throws IOException, InterruptedException {
    return run("", command);
  }

  /** The same, with something to read. */
  static double run(String input, String[] command) throws IOException, InterruptedException {
    Path in = Files.createTempFile("input", ".txt");
    Path out = Files.createTempFile("output", ".txt");
    try {
      Files.writeString(in, input);
      long begin = System.nanoTime();
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectInput(in.toFile())
              .redirectOutput(out.toFile())
              .start();
      int status = process.waitFor();
      double seconds = (System.nanoTime() - begin) / 1e9;
      if (status != 0) {
        throw new IOException(
            List.of(command) + ": " + Files.readString(out, StandardCharsets.UTF_8));
      }
      return seconds;
    } finally {
      Files.delete(in);
      Files.delete(out);
    }
  }
}
