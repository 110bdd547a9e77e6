// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.imports;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.PatternSyntaxException;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.StateDirectory;
import org.jspecify.annotations.Nullable;

/**
 * The syntax of tgt's targets.conf: that of Apache, as Config::General reads it.
 *
 * <pre>
 *   option value, option = value      a value may be quoted
 *   &lt;block name&gt; ... &lt;/block&gt;          nested
 *   # comment, text # comment         \# is a #
 *   text \                            goes on in the next line
 *   include FILE, include FOLDER,     also &lt;&lt;include FILE&gt;&gt;; a pattern matches names in one folder
 *   include FOLDER/*.conf
 * </pre>
 */
final class TargetsConf {
  private static final int MAX_DEPTH = 16;
  private static final int MAX_FILES = 10_000;
  private static final int MAX_BYTES = 16 << 20;

  /**
   * An option, or a block.
   *
   * @param where file and line
   * @param key the option, or the kind of block
   * @param value the option's value, or the block's name
   * @param entries what is in a block, in order; empty for an option
   * @param isBlock whether it is a block
   */
  record Entry(String where, String key, String value, List<Entry> entries, boolean isBlock) {
    /** The values of an option, in order. */
    List<Entry> options(String name) {
      return entries.stream().filter(entry -> !entry.isBlock && entry.key.equals(name)).toList();
    }
  }

  private final Losses losses;
  private int files;

  private TargetsConf(Losses losses) {
    this.losses = losses;
  }

  /** What is in a file and those that it includes. */
  static List<Entry> read(Path file, Losses losses) throws RefusedException {
    TargetsConf reader = new TargetsConf(losses);
    List<Entry> entries = new ArrayList<>();
    reader.file(file, entries, 0);
    return entries;
  }

  private void file(Path file, List<Entry> into, int depth) throws RefusedException {
    if (depth > MAX_DEPTH || ++files > MAX_FILES) {
      throw new RefusedException(file + ": too many files that include each other");
    }
    Lines lines = new Lines(file, text(file));
    block(lines, into, "", depth);
  }

  private static String text(Path file) throws RefusedException {
    try {
      if (Files.isRegularFile(file) && Files.size(file) > MAX_BYTES) {
        throw new RefusedException(file + " has more than " + MAX_BYTES + " bytes");
      }
      return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new RefusedException(
          file + " cannot be read: " + (Files.isDirectory(file) ? "it is a folder" : reason(e)), e);
    }
  }

  private static String reason(IOException e) {
    return StateDirectory.reason(e);
  }

  /** Reads until the block ends, or the file if there is none. */
  private void block(Lines lines, List<Entry> into, String kind, int depth)
      throws RefusedException {
    if (depth > MAX_DEPTH) {
      throw new RefusedException(lines.where() + ": nested too deeply");
    }
    for (String line = lines.next(); line != null; line = lines.next()) {
      String where = lines.where();
      if (line.matches("<<(?i:include)\\s.*>>")) {
        include(lines.file, unquoted(line.substring(9, line.length() - 2).strip()), into, depth);
      } else if (line.startsWith("</")) {
        if (!line.equalsIgnoreCase("</" + kind + ">")) {
          throw new RefusedException(
              where
                  + ": "
                  + line
                  + (kind.isEmpty() ? " ends no block" : " ends no <" + kind + ">"));
        }
        return;
      } else if (line.startsWith("<")) {
        if (!line.endsWith(">")) {
          throw new RefusedException(where + ": a block begins with <KIND NAME>: " + line);
        }
        String[] words = line.substring(1, line.length() - 1).strip().split("\\s+", 2);
        List<Entry> inner = new ArrayList<>();
        block(lines, inner, words[0], depth + 1);
        into.add(
            new Entry(where, words[0], words.length > 1 ? unquoted(words[1]) : "", inner, true));
      } else {
        option(lines, where, line, into, depth);
      }
    }
    if (!kind.isEmpty()) {
      throw new RefusedException(lines.where() + ": <" + kind + "> has no end");
    }
  }

  private void option(Lines lines, String where, String line, List<Entry> into, int depth)
      throws RefusedException {
    String[] words = line.split("\\s*=\\s*|\\s+", 2);
    String value = words.length > 1 ? unquoted(words[1].strip()) : "";
    if (words[0].equalsIgnoreCase("include")) {
      include(lines.file, value, into, depth);
    } else {
      into.add(new Entry(where, words[0], value, List.of(), false));
    }
  }

  private static String unquoted(String text) {
    return text.matches("\"[^\"]*\"|'[^']*'") ? text.substring(1, text.length() - 1) : text;
  }

  private void include(Path from, String what, List<Entry> into, int depth)
      throws RefusedException {
    Path folder = from.toAbsolutePath().getParent();
    Path path;
    try {
      path = (folder == null ? Path.of("/") : folder).resolve(what);
    } catch (InvalidPathException e) {
      losses.add(from.toString(), "include " + what + ": no path: " + e.getReason());
      return;
    }
    if (what.chars().noneMatch(c -> c == '*' || c == '?' || c == '[' || c == '{')) {
      if (Files.isDirectory(path)) {
        all(path, "*", into, depth);
      } else if (Files.exists(path)) {
        file(path, into, depth + 1);
      } else {
        losses.add(from.toString(), "include " + what + ": no such file");
      }
    } else if (path.getParent() != null && Files.isDirectory(path.getParent())) {
      all(path.getParent(), String.valueOf(path.getFileName()), into, depth);
    } else {
      losses.add(from.toString(), "include " + what + ": no such folder");
    }
  }

  private void all(Path folder, String pattern, List<Entry> into, int depth)
      throws RefusedException {
    List<Path> matching = new ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder, pattern)) {
      stream.forEach(matching::add);
    } catch (PatternSyntaxException e) {
      losses.add(folder.toString(), "include " + folder.resolve(pattern) + ": no pattern of names");
      return;
    } catch (IOException e) {
      throw new RefusedException(folder + " cannot be read: " + reason(e), e);
    }
    for (Path file : matching.stream().sorted().toList()) {
      if (Files.isRegularFile(file) && !String.valueOf(file.getFileName()).startsWith(".")) {
        file(file, into, depth + 1);
      }
    }
  }

  /** The lines of a file, without comments and blank lines, each with those that it goes on in. */
  private static final class Lines {
    final Path file;
    private final String[] lines;
    private int next;
    private int at;

    Lines(Path file, String text) {
      this.file = file;
      // Comments as in C, which may go over lines, keep the lines' numbers.
      StringBuilder kept = new StringBuilder();
      boolean comment = false;
      for (String line : text.split("\r?\n", -1)) {
        if (!comment && line.strip().startsWith("/*")) {
          comment = true;
        }
        boolean end = comment && line.contains("*/");
        kept.append(comment ? "" : line).append('\n');
        comment &= !end;
      }
      this.lines = kept.toString().split("\n", -1);
    }

    /** The place of the line that {@link #next} gave. */
    String where() {
      return file + ":" + at;
    }

    @Nullable String next() {
      while (next < lines.length) {
        at = next + 1;
        String line = withoutComment(lines[next++]);
        while (line.endsWith("\\") && next < lines.length) {
          line = line.substring(0, line.length() - 1) + withoutComment(lines[next++]).strip();
        }
        line = line.strip();
        if (!line.isEmpty()) {
          return line;
        }
      }
      return null;
    }

    private static String withoutComment(String line) {
      return line.replaceFirst("(^|\\s)(?<!\\\\)#.*$", "").replace("\\#", "#");
    }
  }
}
