// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The class path and the JVM's AOT cache with which tests start {@code anabranch}: with them a
 * server takes half of the processor time to start. The JVM caches no classes of folders, so what
 * was compiled is packed into jars first, without the tests' own classes. All of it is made once
 * for what was compiled, by the first JVM of tests that starts a server, and the others wait.
 * Without the cache all works, only more slowly.
 */
final class AotCache {
  private static final long PATIENCE_SECONDS = 120;
  private static final List<String> OPTIONS = prepare();

  private AotCache() {}

  /** Options of the JVM, which end with the class path. */
  static List<String> options() {
    return OPTIONS;
  }

  private static List<String> jvm() {
    return List.of(
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        // As in packaging/jvm.options: nothing is said of a cache that cannot be used, and what was
        // hot in another process is not compiled in advance.
        "-Xlog:disable",
        "-Xlog:all=warning,aot*=off,cds*=off:stderr",
        "-XX:+UnlockDiagnosticVMOptions",
        "-XX:-AOTReplayTraining");
  }

  private static List<String> prepare() {
    Path folder = Path.of(System.getProperty("java.io.tmpdir"), "aot").toAbsolutePath();
    List<Path> compiled = new ArrayList<>();
    List<Path> libraries = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
      Path path = Path.of(entry).toAbsolutePath();
      if (entry.endsWith(".jar")) {
        libraries.add(path);
      } else if (path.endsWith("classes") && Files.isDirectory(path)) {
        compiled.add(path);
      }
    }
    List<Path> jars = new ArrayList<>();
    for (int n = 0; n < compiled.size(); n++) {
      jars.add(folder.resolve("classes" + n + ".jar"));
    }
    String classPath =
        Stream.concat(jars.stream(), libraries.stream())
            .map(Path::toString)
            .collect(Collectors.joining(File.pathSeparator));
    List<String> options = new ArrayList<>(jvm());
    try {
      Files.createDirectories(folder);
      String content = content(compiled, libraries);
      Path made = folder.resolve("made");
      Path cache = folder.resolve("anabranch.aot");
      try (FileChannel channel =
              FileChannel.open(
                  folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
          FileLock _ = channel.lock()) {
        if (!Files.exists(made) || !Files.readString(made).equals(content)) {
          Files.deleteIfExists(made);
          Files.deleteIfExists(cache);
          pack(compiled, jars);
          train(folder, cache, classPath);
          Files.writeString(made, content);
        }
      }
      if (Files.exists(cache)) {
        options.add("-XX:AOTCache=" + cache);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    options.addAll(List.of("-cp", classPath));
    return List.copyOf(options);
  }

  /** What the jars and the cache are made of: each file, and when it was written. */
  private static String content(List<Path> compiled, List<Path> libraries) throws IOException {
    StringBuilder text = new StringBuilder(System.getProperty("java.vm.version"));
    for (Path each : Stream.concat(compiled.stream(), libraries.stream()).toList()) {
      try (Stream<Path> files = Files.walk(each)) {
        for (Path file : files.sorted().toList()) {
          text.append('\n').append(file).append(' ').append(Files.getLastModifiedTime(file));
        }
      }
    }
    return text.toString();
  }

  private static void pack(List<Path> compiled, List<Path> jars) throws IOException {
    ToolProvider jar = ToolProvider.findFirst("jar").orElseThrow();
    for (int n = 0; n < jars.size(); n++) {
      String to = jars.get(n).toString();
      int status =
          jar.run(
              System.out, System.err, "-c", "-0", "-f", to, "-C", compiled.get(n).toString(), ".");
      if (status != 0) {
        throw new IOException("jar: exit status " + status + " for " + to);
      }
    }
  }

  /** The demo uses a server, its control socket and an initiator, all in one process. */
  private static void train(Path folder, Path cache, String classPath) throws IOException {
    Path there = Files.createTempDirectory(folder, "train");
    List<String> line = new ArrayList<>();
    line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    line.addAll(jvm());
    line.addAll(
        List.of(
            "-XX:AOTCacheOutput=" + cache,
            "-Djava.io.tmpdir=" + there,
            "-cp",
            classPath,
            Main.class.getName(),
            "demo"));
    Process process =
        new ProcessBuilder(line)
            .directory(there.toFile())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("train.log").toFile())
            .start();
    try {
      if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly().onExit().join();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
