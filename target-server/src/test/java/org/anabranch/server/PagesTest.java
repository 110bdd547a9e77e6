// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * README and docs/ say what is so: their commands are run against a real server, their
 * configurations are read, and their links lead somewhere.
 */
final class PagesTest {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  /** They describe formats and measurements; tests of their own compare them. */
  private static final Set<String> REFERENCES =
      Set.of("json.md", "delta-format.md", "performance.md");

  private static final int LONGEST = 200;
  private static final Pattern QUOTED = Pattern.compile("^\\| `([^`]+)`");

  /** What stands for something else in a message. */
  private static final String VARIES = "[A-Z]{2,}(:[A-Z]+)?|\\bN\\b|\\.\\.\\.|\"?vm1(@a)?\"?|FILE";

  /** Shorter pieces of a message say nothing. */
  private static final int LEAST_WORDS = 12;

  @TempDir private Path folder;

  static List<Path> all() throws IOException {
    try (Stream<Path> docs = Files.list(ROOT.resolve("docs"))) {
      return Stream.concat(Stream.of(ROOT.resolve("README.md")), docs)
          .filter(file -> file.toString().endsWith(".md"))
          .sorted()
          .toList();
    }
  }

  static List<Page> pages() throws IOException {
    List<Page> pages = new ArrayList<>();
    for (Path file : all()) {
      if (!REFERENCES.contains(file.getFileName().toString())) {
        pages.add(Page.read(file));
      }
    }
    return pages;
  }

  /** All, or with {@code -Danabranch.page=story} that one. */
  static List<Page> pagesToRun() throws IOException {
    String only = System.getProperty("anabranch.page", "");
    return pages().stream()
        .filter(Page::hasWork)
        .filter(page -> only.isEmpty() || page.path().endsWith(only + ".md"))
        .toList();
  }

  @ParameterizedTest
  @MethodSource("pagesToRun")
  void commandsPrintWhatIsShown(Page page) throws Exception {
    try (PageRun run = new PageRun(folder)) {
      run.run(page);
    }
  }

  /** A block that nobody thought of would be one that nobody runs. */
  @Test
  void eachBlockSaysWhetherItIsRun() throws IOException {
    List<String> unmarked = new ArrayList<>();
    int run = 0;
    int notRun = 0;
    for (Page page : pages()) {
      for (Page.Block block : page.blocks()) {
        if (!block.isMarked()) {
          unmarked.add(page + ":" + block.line());
        }
        run += block.isRun() || block.marker().equals("lab") ? 1 : 0;
        notRun += block.isNotRun() ? 1 : 0;
      }
    }
    assertThat(unmarked).as("blocks without a marker, see Page").isEmpty();
    assertThat(Files.readString(ROOT.resolve("docs/README.md")))
        .as("how many blocks the test runs")
        .contains("runs " + run + " blocks of commands of these pages. " + notRun + " are not run");
  }

  /** What the first column of a table quotes is what our sources print, but for names in it. */
  @Test
  void messagesInTroubleshootingAreTheServers() throws IOException {
    StringBuilder sources = new StringBuilder(Files.readString(ROOT.resolve("anabranch")));
    for (String module : List.of("blockcore", "config", "target-server")) {
      try (Stream<Path> files = Files.walk(ROOT.resolve(module + "/src/main/java"))) {
        for (Path file : files.filter(each -> each.toString().endsWith(".java")).toList()) {
          sources.append(Files.readString(file));
        }
      }
    }
    String printed = sources.toString().replaceAll("\"\\s*\\+\\s*\"", "").replace("\\\"", "\"");
    List<String> unknown = new ArrayList<>();
    int known = 0;
    for (String line : Files.readAllLines(ROOT.resolve("docs/troubleshooting.md"))) {
      Matcher quoted = QUOTED.matcher(line);
      if (quoted.find()) {
        for (String part : quoted.group(1).split(VARIES, -1)) {
          String words = part.strip();
          if (words.length() >= LEAST_WORDS) {
            known += printed.contains(words) ? 1 : 0;
            if (!printed.contains(words)) {
              unknown.add(words);
            }
          }
        }
      }
    }
    assertThat(unknown).as("messages that nothing prints").isEmpty();
    assertThat(known).isGreaterThan(10);
  }

  @Test
  void pagesAreShort() throws IOException {
    for (Page page : pages()) {
      assertThat(Files.readAllLines(page.path())).as("%s", page).hasSizeLessThanOrEqualTo(LONGEST);
    }
  }

  @Test
  void theIndexNamesEveryPage() throws IOException {
    String index = Files.readString(ROOT.resolve("docs/README.md"));
    for (Path file : all()) {
      String name = String.valueOf(file.getFileName());
      if (!name.equals("README.md")) {
        assertThat(index).contains("](" + name + ")");
      }
    }
  }

  @Test
  void linksLeadSomewhere() throws IOException {
    assertThat(Links.broken(ROOT, all())).isEmpty();
  }

  /** Where a package is installed, there is no source that a page could lead to. */
  @Test
  void linksOfInstalledPagesLeadSomewhere() throws Exception {
    Tools.Result copied =
        Tools.run(60, Map.of(), ROOT.resolve("packaging/pages").toString(), folder.toString());
    assertThat(copied.status()).as(copied.output()).isZero();
    List<Path> installed;
    try (Stream<Path> files = Files.walk(folder)) {
      installed = files.filter(file -> file.toString().endsWith(".md")).sorted().toList();
    }
    assertThat(installed)
        .hasSizeGreaterThan(all().size())
        .contains(folder.resolve("docs/packages.md"), folder.resolve("README.md"));
    assertThat(Links.broken(folder, installed)).isEmpty();
  }
}
