// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.anabranch.block.dm.TableLine;

/**
 * How files of the state directory name other files, so that the folder can be moved: what is below
 * it by a path from it that begins with {@code ./}, everything else by its address as it is.
 *
 * @param folder the state directory, absolute and normalized
 */
record StatePaths(Path folder) {
  private static final String HERE = "./";

  /** Words of a table that are paths relative to where the server was started. */
  private static final Pattern RELATIVE_WORD = Pattern.compile("(?<=[^\\\\]\\s)\\./");

  StatePaths {
    folder = folder.toAbsolutePath().normalize();
  }

  private String prefix() {
    return folder + (folder.getNameCount() == 0 ? "" : "/");
  }

  /** As it is written. */
  String written(String address) {
    String prefix = prefix();
    return address.startsWith(prefix) ? HERE + address.substring(prefix.length()) : address;
  }

  /** The same for a file. */
  String written(Path file) {
    return written(file.toString());
  }

  /** What {@link #written(String)} made of an address. */
  String read(String text) {
    return text.startsWith(HERE) ? prefix() + text.substring(HERE.length()) : text;
  }

  /**
   * A store. Versions before the third wrote absolute paths: where the folder was moved since then,
   * the store is in its {@code cow} as before.
   */
  String readStore(String text, int version) {
    String store = read(text);
    if (version < 3 && !Files.exists(Path.of(store))) {
      Path here = folder.resolve("cow").resolve(Path.of(store).getFileName());
      return Files.exists(here) ? here.toString() : store;
    }
    return store;
  }

  /** A table as it is written, in dmsetup's text. */
  String writtenTable(String table) {
    String here = TableLine.quote(Path.of("").toAbsolutePath() + "/");
    String absolute = RELATIVE_WORD.matcher(table).replaceAll(Matcher.quoteReplacement(here));
    return absolute.replaceAll("(?<=[^\\\\]\\s)" + Pattern.quote(TableLine.quote(prefix())), HERE);
  }

  /** What {@link #writtenTable} made of a table. */
  String readTable(String text) {
    return RELATIVE_WORD
        .matcher(text)
        .replaceAll(Matcher.quoteReplacement(TableLine.quote(prefix())));
  }
}
