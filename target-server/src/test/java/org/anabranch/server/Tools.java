// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Programs of other people that the tests drive. */
public final class Tools {
  /** Characters of a program's output in a failure's message: its end. */
  private static final int SHOWN = 4000;

  private Tools() {}

  /** What a program said, on both channels, and how it ended. */
  public record Result(int status, String output) {
    /** Fails unless the status is this. */
    public Result expect(int wanted) {
      if (status != wanted) {
        int from = Math.max(0, output.length() - SHOWN);
        fail("exit status %d, not %d:%n%s", status, wanted, output.substring(from));
      }
      return this;
    }
  }

  /** Skips the test, or fails it where tools are required, unless all the programs are there. */
  public static void require(String... programs) {
    for (String program : programs) {
      requireThat(find(program) != null, program + " is not installed");
    }
  }

  /** Skips the test, or fails it where tools are required, unless the condition holds. */
  static void requireThat(boolean condition, String reason) {
    if (!condition) {
      if (Boolean.getBoolean("anabranch.requireTools")) {
        fail(reason);
      }
      abort(reason);
    }
  }

  /** Also looks where Debian keeps programs for root. */
  private static @Nullable Path find(String program) {
    String path = Objects.requireNonNullElse(System.getenv("PATH"), "") + ":/usr/sbin:/sbin";
    for (String folder : path.split(":", -1)) {
      Path file = Path.of(folder.isEmpty() ? "." : folder, program);
      if (Files.isExecutable(file) && Files.isRegularFile(file)) {
        return file;
      }
    }
    return null;
  }

  /** Runs a program to its end. */
  public static Result run(long seconds, String... command)
      throws IOException, InterruptedException {
    return run(seconds, Map.of(), command);
  }

  /** Runs a program to its end, with more in its environment. */
  static Result run(long seconds, Map<String, String> environment, String... command)
      throws IOException, InterruptedException {
    List<String> words = new ArrayList<>(List.of(command));
    Path found = find(command[0]);
    if (found != null) {
      words.set(0, found.toString());
    }
    Path output = Files.createTempFile("output", ".txt");
    ProcessBuilder builder =
        new ProcessBuilder(words).redirectErrorStream(true).redirectOutput(output.toFile());
    builder.environment().putAll(environment);
    builder.environment().put("LC_ALL", "C");
    Process process = builder.start();
    process.getOutputStream().close();
    try {
      if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        fail("%s still runs after %d s:%n%s", words, seconds, Files.readString(output));
      }
      byte[] bytes = Files.readAllBytes(output);
      return new Result(process.exitValue(), new String(bytes, StandardCharsets.UTF_8));
    } finally {
      Files.delete(output);
    }
  }
}
