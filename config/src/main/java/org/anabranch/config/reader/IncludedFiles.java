// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigIncludeContext;
import com.typesafe.config.ConfigIncluder;
import com.typesafe.config.ConfigIncluderFile;
import com.typesafe.config.ConfigList;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigParseable;
import com.typesafe.config.ConfigValue;
import java.io.File;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What {@code include "conf.d/*.conf"} means, which HOCON does not know: all files of a folder, in
 * the order of their names, where a later file overrides keys of an earlier one. Other includes are
 * HOCON's own.
 *
 * <pre>
 *   no such folder, or no file in it                          nothing is included
 *   a file whose name begins with a dot                       not included, as in a shell
 *   a file that cannot be read, or a folder of such a name    an error
 *   a volume, device or target that two of the files open     an error that names both places;
 *                                                             one key of it may be overridden:
 *                                                             anabranch.volumes.vm1.size = 2 GiB
 *   a pattern in a file that was included by a pattern        an error: files could include
 *                                                             themselves without end
 *   a pattern in the name of the folder                       an error
 *   includes in included files, more than {@value #MAX_DEPTH} deep          an error, also when a file includes
 *                                                             itself
 *   more than {@value #MAX_FILES} includes                             an error
 * </pre>
 */
final class IncludedFiles implements ConfigIncluder, ConfigIncluderFile {
  private static final int MAX_FILES = 10_000;

  /** HOCON's own limit is 50, and what is below that it leaves out without an error. */
  private static final int MAX_DEPTH = 20;

  private final Path baseDir;
  private final Problems problems;
  private final SequencedMap<String, String> texts = new LinkedHashMap<>();
  private @Nullable ConfigIncluder fallback;
  private boolean inPattern;

  /** How many includes are being read, each in the file of the one before. */
  private int depth;

  private int count;

  /** A limit was passed: that is an error, and nothing more is read. */
  private boolean over;

  /**
   * @param baseDir the folder that relative names are relative to, where a text has none of its own
   */
  IncludedFiles(Path baseDir, Problems problems) {
    this.baseDir = baseDir;
    this.problems = problems;
  }

  /** The text of an included file, or null. */
  @Nullable String text(String file) {
    return texts.get(file);
  }

  /**
   * All that were included.
   *
   * @param root what was read: its values know the files that HOCON itself includes
   */
  Set<Path> files(ConfigObject root) {
    Set<Path> files = new HashSet<>();
    texts.keySet().forEach(file -> files.add(Path.of(file)));
    collect(root, files);
    return files;
  }

  private static void collect(ConfigValue value, Set<Path> files) {
    String file = value.origin().filename();
    if (file != null) {
      files.add(Path.of(file));
    }
    if (value instanceof ConfigObject object) {
      object.values().forEach(inner -> collect(inner, files));
    } else if (value instanceof ConfigList list) {
      list.forEach(inner -> collect(inner, files));
    }
  }

  @Override
  public ConfigIncluder withFallback(ConfigIncluder other) {
    fallback = other;
    return this;
  }

  @Override
  public ConfigObject include(ConfigIncludeContext context, String what) {
    return bounded(
        what,
        () -> {
          if (isPattern(what)) {
            return all(context, folder(context).resolve(what));
          }
          return fallback == null ? Section.empty() : fallback.include(context, what);
        });
  }

  @Override
  public ConfigObject includeFile(ConfigIncludeContext context, File what) {
    return bounded(
        what.getPath(),
        () -> {
          if (isPattern(what.getPath())) {
            return all(context, what.toPath());
          }
          return fallback instanceof ConfigIncluderFile files
              ? files.includeFile(context, what)
              : Section.empty();
        });
  }

  /** Reads an include, unless that would be one too deep or one too many. */
  private ConfigObject bounded(String what, Supplier<ConfigObject> included) {
    if (!over && depth >= MAX_DEPTH) {
      over = true;
      problems.add(
          0,
          "include \""
              + what
              + "\": included files include each other more than "
              + MAX_DEPTH
              + " deep; a file must not include itself, not even by way of others");
    } else if (!over && count >= MAX_FILES) {
      over = true;
      problems.add(0, "include \"" + what + "\": more than " + MAX_FILES + " includes");
    }
    if (over) {
      return Section.empty();
    }
    count++;
    depth++;
    try {
      return included.get();
    } finally {
      depth--;
    }
  }

  private static boolean isPattern(String what) {
    return what.chars().anyMatch(c -> c == '*' || c == '?' || c == '[');
  }

  /** The folder of the file that has the include in it. */
  private Path folder(ConfigIncludeContext context) {
    // The one way to learn it: the place of something that is surely beside the file.
    ConfigParseable here = context.relativeTo(".");
    String name = here == null ? null : here.origin().filename();
    return name == null ? baseDir : Path.of(name).normalize();
  }

  private ConfigObject all(ConfigIncludeContext context, Path pattern) {
    Path folder = pattern.toAbsolutePath().normalize().getParent();
    if (folder == null || isPattern(folder.toString())) {
      problems.add(0, "include \"" + pattern + "\": a pattern is possible in the last name only");
      return Section.empty();
    }
    if (inPattern) {
      problems.add(
          0, "include \"" + pattern + "\": not in a file that is included by a pattern itself");
      return Section.empty();
    }
    inPattern = true;
    try {
      ConfigObject merged = Section.empty();
      for (Path file : matching(folder, String.valueOf(pattern.getFileName()))) {
        merged = parse(context, file).withFallback(merged);
      }
      return merged;
    } finally {
      inPattern = false;
    }
  }

  private List<Path> matching(Path folder, String pattern) {
    List<Path> files = new ArrayList<>();
    if (Files.isDirectory(folder)) {
      try (DirectoryStream<Path> matches = Files.newDirectoryStream(folder, pattern)) {
        for (Path file : matches) {
          if (!String.valueOf(file.getFileName()).startsWith(".")) {
            files.add(file);
          }
          if (files.size() > MAX_FILES) {
            problems.add(0, folder + " has more than " + MAX_FILES + " files");
            return List.of();
          }
        }
      } catch (IOException e) {
        problems.add(0, "include \"" + folder.resolve(pattern) + "\": " + FileReason.of(e));
      } catch (RuntimeException e) { // a pattern that is none
        problems.add(
            0, "include \"" + folder.resolve(pattern) + "\" is no pattern: " + e.getMessage());
      }
    }
    files.sort(Comparator.comparing(file -> String.valueOf(file.getFileName())));
    return files;
  }

  private ConfigObject parse(ConfigIncludeContext context, Path file) {
    String text =
        ConfigurationText.of(file, problem -> problems.addIn(file.toString(), 0, problem));
    if (text == null) {
      return Section.empty();
    }
    texts.put(file.toString(), text);
    return ConfigFactory.parseFile(
            file.toFile(), context.parseOptions().setOriginDescription(null).setAllowMissing(false))
        .root();
  }

  /**
   * Reports keys that one of the files has twice, and what two of them open, or one of them and the
   * file that includes them.
   *
   * @param name what errors call the file that includes them
   * @param text what is in it
   */
  void checkRepeats(String name, String text) {
    record Given(String file, int line) {}
    Map<String, Given> opened = new LinkedHashMap<>();
    RepeatedKeys.opened(text).forEach((key, line) -> opened.put(key, new Given(name, line)));
    texts.forEach((file, included) -> {
      for (RepeatedKeys.Repeat repeat : RepeatedKeys.in(included)) {
        problems.addIn(file, repeat);
      }
      RepeatedKeys.opened(included)
          .forEach((key, line) -> {
            Given first = opened.putIfAbsent(key, new Given(file, line));
            if (first != null && !first.file.equals(file)) {
              problems.addIn(
                  file,
                  line,
                  key,
                  "given twice, the first time in " + first.file + " line " + first.line,
                  "each once; to override one key of it: " + key + ".KEY = VALUE");
            }
          });
    });
  }
}
