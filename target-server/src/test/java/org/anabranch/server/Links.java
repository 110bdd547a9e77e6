// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The links of pages in Markdown to other files, headings in them included. */
final class Links {
  private static final Pattern LINK =
      Pattern.compile("\\]\\(([^)\\s]+)\\)|(?:src|srcset)=\"([^\"]+)\"");

  private Links() {}

  /**
   * The links that lead nowhere, each as {@code PAGE: LINK}; links to other sites are not followed.
   */
  static List<String> broken(Path root, List<Path> pages) throws IOException {
    List<String> broken = new ArrayList<>();
    for (Path page : pages) {
      for (String link : of(page)) {
        String[] parts = link.split("#", 2);
        Path target =
            parts[0].isEmpty() ? page : page.resolveSibling(parts[0]).toAbsolutePath().normalize();
        boolean there =
            target.startsWith(root)
                && Files.exists(target)
                && (parts.length == 1 || headings(target).contains(parts[1]));
        if (!there) {
          broken.add(root.relativize(page) + ": " + link);
        }
      }
    }
    return broken;
  }

  private static List<String> of(Path page) throws IOException {
    return LINK.matcher(Files.readString(page))
        .results()
        .map(Links::target)
        .filter(link -> !link.matches("[a-z]+:.*"))
        .toList();
  }

  private static String target(MatchResult link) {
    String first = link.group(1);
    return first == null ? link.group(2) : first;
  }

  /** As GitHub names the headings of a page. */
  private static Set<String> headings(Path page) throws IOException {
    return Files.readAllLines(page).stream()
        .filter(line -> line.startsWith("#"))
        .map(line -> line.replaceFirst("^#+ ", "").toLowerCase(Locale.ROOT))
        .map(line -> line.replaceAll("[^\\p{L}\\p{N} _-]", "").replace(' ', '-'))
        .collect(Collectors.toSet());
  }
}
