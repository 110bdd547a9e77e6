// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The {@code ./anabranch} script, in a checkout that holds nothing but one source, with a Maven
 * that notes that it was called and a JDK whose java prints its arguments, and writes the cache
 * that they ask for.
 */
final class LauncherTest {
  /** What the script uses of the system; flock is optional and absent here. */
  private static final List<String> TOOLS =
      List.of(
          "dirname",
          "readlink",
          "sed",
          "find",
          "grep",
          "head",
          "mkdir",
          "mv",
          "cmp",
          "cp",
          "mktemp",
          "rm",
          "sleep");

  @TempDir private Path dir;
  private Path checkout;
  private Path source;
  private Path path;
  private Path jvms;

  private record Run(int status, List<String> out, List<String> err) {}

  @BeforeEach
  void layOut() throws IOException {
    checkout = dir.resolve("check out");
    path = Files.createDirectory(dir.resolve("bin"));
    jvms = Files.createDirectory(dir.resolve("jvm"));
    source = checkout.resolve("blockcore/src/main/java/A.java");
    Files.createDirectories(source.getParent());
    Files.writeString(checkout.resolve("pom.xml"), "");
    Files.writeString(source, "");
    String script = Files.readString(Path.of("../anabranch"));
    assertThat(script).contains("/usr/lib/jvm/*");
    executable(checkout.resolve("anabranch"), script.replace("/usr/lib/jvm/*", jvms + "/*"));
    for (String tool : TOOLS) {
      executable(path.resolve(tool), "#!/bin/sh\nexec " + where(tool) + " \"$@\"\n");
    }
    jdk("25.0.3");
    maven("mkdir -p target-server/target/lib && : >target-server/target/anabranch.jar");
  }

  @Test
  void buildsOnFirstUseOnlyAndForwardsArguments() throws Exception {
    Run first = run("serve", "--config", "a file");
    assertThat(first.status()).isZero();
    assertThat(first.err()).anyMatch(line -> line.contains("building"));
    assertThat(first.out())
        .containsSubsequence("org.anabranch.server.Main", "serve", "--config", "a file")
        .contains("@" + checkout + "/packaging/jvm.options");

    Run second = run("--version");
    assertThat(second.out()).endsWith("org.anabranch.server.Main", "--version");
    assertThat(second.err()).isEmpty();
    assertThat(builds())
        .hasSize(1)
        .first()
        .asString()
        .contains("-Dmaven.test.skip")
        .endsWith("package");
  }

  @Test
  void buildsAgainWhenASourceIsNewerThanTheBuild() throws Exception {
    run("--version");
    Files.setLastModifiedTime(source, FileTime.from(Instant.now().plusSeconds(60)));
    assertThat(run("--version").status()).isZero();
    assertThat(builds()).hasSize(2);
  }

  @Test
  void eachOptionForTheJvmIsOneWhateverTheFolderIsCalled() throws Exception {
    Run run = run(Map.of("ANABRANCH_JAVA_OPTS", "-Xmx1g -Dx=y"), "status");
    String target = checkout.toRealPath() + "/target-server/target/";
    assertThat(run.out())
        .contains("-XX:AOTCache=" + target + "anabranch.aot", "-Xmx1g", "-Dx=y")
        .containsSubsequence("-cp", target + "anabranch.jar:" + target + "lib/*")
        .endsWith("org.anabranch.server.Main", "status");
  }

  @Test
  void trainsAgainWhenWhatRunsIsNewerThanTheCache() throws Exception {
    run("--version");
    Path target = checkout.resolve("target-server/target");
    Path cache = target.resolve("anabranch.aot");
    Path jar = target.resolve("anabranch.jar");
    Path library = Files.createFile(target.resolve("lib/a.jar"));
    Path jdk = jvms.resolve("25.0.3/release");
    FileTime past = FileTime.from(Instant.now().minusSeconds(60));
    for (Path file : List.of(library, target.resolve("lib"), jar, checkout.resolve("anabranch"))) {
      Files.setLastModifiedTime(file, past);
    }
    assertThat(cache).exists();
    assertThat(run("--version").err()).isEmpty();

    Files.setLastModifiedTime(target.resolve("anabranch.aot.of"), past);
    for (Path file : List.of(jar, library, jdk)) {
      Files.delete(cache);
      Files.writeString(file, Files.readString(file) + "another\n");
      Run trained = run("--version");
      assertThat(trained.err()).as("%s", file).singleElement().asString().contains("faster starts");
      assertThat(trained.out()).endsWith("org.anabranch.server.Main", "--version");
      assertThat(cache).as("%s", file).exists();
      assertThat(run("--version").err()).as("%s", file).isEmpty();
    }
    assertThat(builds()).hasSize(1);
  }

  @Test
  void runsThroughASymlinkFromAnotherFolder() throws Exception {
    Path link = Files.createSymbolicLink(path.resolve("ab"), Path.of("../check out/anabranch"));
    Path real = checkout.toRealPath();
    Run run = run(jvms, Map.of(), link, "check");
    assertThat(run.out())
        .endsWith("check")
        .anyMatch(line -> line.startsWith(real + "/target-server/target/anabranch.jar:"));
  }

  @Test
  void failedBuildIsSaidAndNothingRuns() throws Exception {
    maven("exit 1");
    for (int attempt = 1; attempt <= 2; attempt++) {
      Run run = run("--version");
      assertThat(run.status()).isEqualTo(1);
      assertThat(run.out()).isEmpty();
      assertThat(run.err())
          .last()
          .asString()
          .contains("the build failed")
          .contains(checkout.toRealPath() + "/target-server/target/built.log");
      assertThat(builds()).hasSize(attempt);
    }
  }

  @Test
  void aBuildShowsWhatItDoesAndNothingElse() throws Exception {
    maven(
        """
        printf '\\033[1m[INFO] Scanning for projects...\\033[0m\\n'
        echo '[INFO] Building Anabranch blockcore 0.1.0 [2/5]'
        echo 'Downloading from central: https://repo/a.pom'
        echo 'Downloading from central: https://repo/b.pom'
        mkdir -p target-server/target/lib && : >target-server/target/anabranch.jar
        printf '\\033[0m\\033[0m'\
        """);
    assertThat(run("--version").err())
        .containsExactly(
            "anabranch: building in "
                + checkout.toRealPath()
                + ", which takes a minute or two the first time",
            "anabranch:   Anabranch blockcore 0.1.0 [2/5]",
            "anabranch:   downloading libraries",
            "anabranch:   preparing faster starts");
    assertThat(checkout.resolve("target-server/target/built.log")).content().contains("b.pom");
  }

  @Test
  void aBuildThatFailsOfflineSaysThatItNeedsTheNetwork() throws Exception {
    maven("echo '[ERROR] Could not transfer a.pom: repo.maven.apache.org: Unknown host'; exit 1");
    Run run = run("--version");
    assertThat(run.status()).isEqualTo(1);
    assertThat(run.err())
        .anyMatch(line -> line.startsWith("[ERROR] Could not transfer"))
        .anyMatch(line -> line.contains("the first build needs the network"));
  }

  @Test
  void aCheckoutThatCannotBeWrittenIsSaid() throws Exception {
    Files.writeString(checkout.resolve("target-server"), "in the way, also of root");
    Run run = run("--version");
    assertThat(run.status()).isEqualTo(1);
    assertThat(run.err()).hasSize(2);
    assertThat(run.err().getFirst()).contains("has not been built", "cannot be written");
    assertThat(calls()).doesNotExist();
  }

  @Test
  void namesOfFilesAreUtf8WhateverTheLocale() throws Exception {
    seesTheLocaleOfTheUser(checkout.resolve("anabranch"));
  }

  @Test
  void theLauncherOfPackagesTreatsLocalesAlike() throws Exception {
    Path home = dir.resolve("installed here");
    Path launcher = home.resolve("bin/anabranch");
    for (String folder : List.of("bin", "lib", "runtime")) {
      Files.createDirectories(home.resolve(folder));
    }
    executable(launcher, Files.readString(Path.of("../packaging/anabranch")));
    Files.writeString(home.resolve("lib/classpath"), "anabranch.jar\n");
    Files.createSymbolicLink(home.resolve("runtime/bin"), jvms.resolve("25.0.3/bin"));
    seesTheLocaleOfTheUser(launcher);
  }

  /**
   * Java gets UTF-8 for the names of files, and is told when the user's terminal has ASCII only.
   */
  private void seesTheLocaleOfTheUser(Path launcher) throws Exception {
    Map<Map<String, String>, String> locales =
        Map.of(
            Map.of("LC_ALL", "C"),
            "LC_ALL=, LC_CTYPE=C.UTF-8, terminal=ascii",
            Map.of(),
            "LC_ALL=, LC_CTYPE=C.UTF-8, terminal=ascii",
            Map.of("LC_ALL", "de_DE.UTF-8"),
            "LC_ALL=de_DE.UTF-8, LC_CTYPE=, terminal=",
            Map.of("LANG", "en_US.utf8"),
            "LC_ALL=, LC_CTYPE=, terminal=");
    for (Map.Entry<Map<String, String>, String> each : locales.entrySet()) {
      assertThat(run(dir, each.getKey(), launcher, "--version").status()).isZero();
      assertThat(locale()).hasContent(each.getValue());
    }
  }

  @Test
  void needsNoHome() throws Exception {
    Run run = run(Map.of("HOME", ""), "--version");
    assertThat(run.status()).as("%s", run.err()).isZero();
    assertThat(run.out()).endsWith("org.anabranch.server.Main", "--version");
  }

  @Test
  void anOutOfMemoryErrorEndsTheServerAndWarningsAreShown() throws Exception {
    assertThat(run("serve").out()).contains("@" + checkout.toRealPath() + "/packaging/jvm.options");
    assertThat(Path.of("../packaging/jvm.options"))
        .content()
        .contains("\n-XX:+ExitOnOutOfMemoryError\n")
        .contains("\n-Xlog:disable\n-Xlog:all=warning,aot*=off,cds*=off:stderr\n");
  }

  @Test
  void missingMavenIsSaid() throws Exception {
    Files.delete(path.resolve("mvn"));
    Run run = run("--version");
    assertThat(run.status()).isEqualTo(1);
    assertThat(run.err()).singleElement().asString().contains("install Maven");
  }

  @Test
  void tooOldJdkIsPassedOver() throws Exception {
    Files.delete(jvms.resolve("25.0.3/release"));
    jdk("17.0.15");
    Run none = run("--version");
    assertThat(none.status()).isEqualTo(1);
    assertThat(none.err()).first().asString().contains("no JDK 25 or newer found");
    assertThat(none.err()).last().asString().contains("set JAVA_HOME");

    jdk("26");
    assertThat(run("--version").status()).isZero();
    assertThat(builds()).singleElement().asString().contains("-Danabranch.jdk=[26,27)");
  }

  private void jdk(String version) throws IOException {
    Path bin = Files.createDirectories(jvms.resolve(version).resolve("bin"));
    Files.writeString(
        jvms.resolve(version).resolve("release"), "JAVA_VERSION=\"" + version + "\"\n");
    executable(bin.resolve("javac"), "#!/bin/sh\n");
    executable(
        bin.resolve("java"),
        """
        #!/bin/sh
        for word; do case $word in -XX:AOTCacheOutput=*) : >"${word#*=}";; esac; done
        echo "LC_ALL=${LC_ALL-}, LC_CTYPE=${LC_CTYPE-}, terminal=${ANABRANCH_TERMINAL-}" >'%s'
        printf '%%s\\n' "$@"
        """
            .formatted(locale()));
  }

  private void maven(String action) throws IOException {
    executable(path.resolve("mvn"), "#!/bin/sh\necho \"$@\" >>'" + calls() + "'\n" + action + "\n");
  }

  /** What java was started with last. */
  private Path locale() {
    return dir.resolve("locale");
  }

  private Path calls() {
    return dir.resolve("calls");
  }

  private List<String> builds() throws IOException {
    return Files.readAllLines(calls());
  }

  private Run run(String... arguments) throws Exception {
    return run(Map.of(), arguments);
  }

  private Run run(Map<String, String> environment, String... arguments) throws Exception {
    return run(dir, environment, checkout.resolve("anabranch"), arguments);
  }

  private Run run(Path folder, Map<String, String> environment, Path script, String... arguments)
      throws Exception {
    List<String> command = new ArrayList<>(List.of(script.toString()));
    command.addAll(List.of(arguments));
    Path out = dir.resolve("out");
    Path err = dir.resolve("err");
    ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
    builder.environment().clear();
    builder.environment().put("PATH", path.toString());
    builder.environment().put("HOME", dir.toString());
    builder.environment().putAll(environment);
    builder.environment().values().removeIf(String::isEmpty); // then it is not set
    builder.redirectOutput(out.toFile()).redirectError(err.toFile());
    int status = builder.start().waitFor();
    return new Run(status, Files.readAllLines(out, UTF_8), Files.readAllLines(err, UTF_8));
  }

  private static Path where(String tool) {
    return Stream.of("/usr/bin", "/bin")
        .map(folder -> Path.of(folder, tool))
        .filter(Files::isExecutable)
        .findFirst()
        .orElseThrow();
  }

  private static void executable(Path file, String text) throws IOException {
    Files.writeString(file, text);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }
}
