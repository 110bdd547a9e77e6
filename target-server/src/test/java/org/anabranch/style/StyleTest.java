// SPDX-License-Identifier: Apache-2.0
package org.anabranch.style;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The house rules that a machine can check, over the Java sources of every module. */
final class StyleTest {
  static final List<String> MODULES =
      List.of("blockcore", "config", "test-initiator", "target-server", "benchmarks", "fuzz");

  private static final int MAX_FILE_LINES = 700;

  /** Between a method's braces. Tests tell stories and hold tables, which may be longer. */
  private static final int MAX_METHOD_LINES = 80;

  private static final int MAX_TEST_METHOD_LINES = 125;
  private static final String LICENCE = "// SPDX-License-Identifier: Apache-2.0";
  private static final Pattern EMPTY_NAME =
      Pattern.compile("\\b(?:class|interface|record|enum) (\\w+(?:Manager|Helper|Utils?|Impl))\\b");
  private static final Pattern LEFT_FOR_LATER = Pattern.compile("\\b(TO" + "DO|FIX" + "ME)\\b");
  private static final Pattern EXIT = Pattern.compile("\\bSystem\\.exit\\(");
  private static final Pattern STACK_TRACE = Pattern.compile("\\.printStackTrace\\(");
  private static final Pattern SPIN = Pattern.compile("\\bonSpinWait\\(|\\.sleep\\(");

  @Test
  void sourcesKeepTheHouseRules() throws IOException {
    Path root = Path.of("..").toAbsolutePath().normalize();
    List<String> broken = new ArrayList<>();
    for (String module : MODULES) {
      List<Path> sources = javaFiles(root.resolve(module).resolve("src"));
      assertThat(sources).as(module).isNotEmpty();
      for (Path file : sources) {
        broken.addAll(broken(root.relativize(file).toString(), Files.readAllLines(file)));
      }
    }
    assertThat(broken).isEmpty();
  }

  @Test
  void methodsAreShort() throws IOException {
    Path root = Path.of("..").toAbsolutePath().normalize();
    List<String> broken = new ArrayList<>();
    for (String module : MODULES) {
      Path src = root.resolve(module).resolve("src");
      broken.addAll(MethodLength.longer(javaFiles(src.resolve("main")), MAX_METHOD_LINES));
      broken.addAll(MethodLength.longer(javaFiles(src.resolve("test")), MAX_TEST_METHOD_LINES));
    }
    assertThat(broken).isEmpty();
  }

  @Test
  void aLongMethodIsSeen(@TempDir Path folder) throws IOException {
    String body = "\n".repeat(9);
    Path file = folder.resolve("X.java");
    Files.writeString(file, "class X {\n  void a() {}\n  void b() {" + body + "}\n}\n");
    assertThat(MethodLength.longer(List.of(file), 10)).isEmpty();
    assertThat(MethodLength.longer(List.of(file), 9))
        .containsExactly(file + ":3: b has 10 lines, 9 is the most");
  }

  static Stream<List<String>> badSources() {
    return Stream.of(
        List.of("package org.anabranch.block;"),
        List.of(LICENCE, "final class Io" + "Manager {"),
        List.of(LICENCE, "interface Chunk" + "Utils<T> {"),
        List.of(LICENCE, "// TO" + "DO: later"),
        List.of(LICENCE, "    System.ex" + "it(1);"),
        List.of(LICENCE, "    e.printStack" + "Trace();"),
        List.of(LICENCE, "      Thread.onSpin" + "Wait();"),
        List.of(LICENCE, "      TimeUnit.SECONDS.sle" + "ep(1);"),
        Stream.concat(Stream.of(LICENCE), Stream.generate(() -> "").limit(MAX_FILE_LINES))
            .toList());
  }

  @ParameterizedTest
  @MethodSource("badSources")
  void eachRuleIsHeld(List<String> source) {
    assertThat(broken("blockcore/src/test/java/org/anabranch/block/X.java", source)).hasSize(1);
  }

  private static List<String> broken(String file, List<String> lines) {
    List<String> broken = new ArrayList<>();
    if (lines.isEmpty() || !lines.getFirst().equals(LICENCE)) {
      broken.add(file + ": the first line is not " + LICENCE);
    }
    if (lines.size() > MAX_FILE_LINES) {
      broken.add(file + ": " + lines.size() + " lines, " + MAX_FILE_LINES + " is the most");
    }
    boolean mayExit = file.contains("/org/anabranch/server/") || file.endsWith("/Bench.java");
    boolean mustAwait = file.contains("/src/test/") && !file.contains("/bench/");
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      String place = file + ":" + (i + 1) + ": ";
      if (EMPTY_NAME.matcher(line).find()) {
        broken.add(place + "a name that says nothing of the job");
      }
      if (LEFT_FOR_LATER.matcher(line).find()) {
        broken.add(place + "left for later");
      }
      if (EXIT.matcher(line).find() && !mayExit) {
        broken.add(place + "only the command line ends the process");
      }
      if (SPIN.matcher(line).find() && mustAwait) {
        broken.add(place + "Await waits, with a deadline");
      }
      if (STACK_TRACE.matcher(line).find()) {
        broken.add(place + "an error goes to the log or to the caller");
      }
    }
    return broken;
  }

  /** All sources below a folder; none if the module has no such folder. */
  static List<Path> javaFiles(Path folder) throws IOException {
    if (Files.notExists(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(file -> file.toString().endsWith(".java")).sorted().toList();
    }
  }
}
