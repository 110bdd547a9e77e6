// SPDX-License-Identifier: Apache-2.0

import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.FormatterException;
import com.google.googlejavaformat.java.ImportOrderer;
import com.google.googlejavaformat.java.JavaFormatterOptions;
import com.google.googlejavaformat.java.RemoveUnusedImports;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Holds every Java file of the tree to google-java-format. {@code check} names the files that are
 * not in its form and fails; {@code write} puts them into it. The build runs this from source, on
 * the JDK that compiles, since the formatter needs a newer one than Maven does.
 */
final class Format {
  public static void main(String[] args) throws IOException {
    boolean write =
        switch (args[0]) {
          case "check" -> false;
          case "write" -> true;
          default -> throw new IllegalArgumentException("check or write, not " + args[0]);
        };
    List<Path> unformatted =
        sources().parallelStream().filter(file -> !isFormatted(file, write)).toList();
    if (write) {
      unformatted.forEach(file -> System.out.println("formatted " + file));
    } else if (!unformatted.isEmpty()) {
      unformatted.forEach(file -> System.err.println("not formatted: " + file));
      System.err.println("Run ./format, which puts these files into google-java-format's form.");
      System.exit(1);
    }
  }

  private static List<Path> sources() throws IOException {
    try (Stream<Path> files = Files.walk(Path.of(""))) {
      return files
          .filter(file -> file.toString().endsWith(".java"))
          .filter(file -> !file.toString().contains("target/"))
          .sorted()
          .toList();
    }
  }

  private static boolean isFormatted(Path file, boolean write) {
    try {
      String before = Files.readString(file);
      String after =
          new Formatter()
              .formatSource(
                  ImportOrderer.reorderImports(
                      RemoveUnusedImports.removeUnusedImports(before),
                      JavaFormatterOptions.Style.GOOGLE));
      if (write && !before.equals(after)) {
        Files.writeString(file, after);
      }
      return before.equals(after);
    } catch (FormatterException | IOException e) {
      throw new IllegalStateException(file + ": " + e.getMessage(), e);
    }
  }
}
