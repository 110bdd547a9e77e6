// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Reads the text of configuration files, with errors in our own words. */
final class ConfigurationText {
  static final int MAX_BYTES = 4 << 20;

  private ConfigurationText() {}

  /**
   * The text of a file, or null when there is a problem.
   *
   * @param problem takes it, in words that follow the file's name
   */
  static @Nullable String of(Path file, Consumer<String> problem) {
    try {
      if (Files.isDirectory(file)) {
        problem.accept("this is a folder; a configuration is a file");
      } else if (Files.isRegularFile(file) && Files.size(file) > MAX_BYTES) {
        problem.accept("larger than " + ValueFormat.bytes(MAX_BYTES));
      } else {
        return Files.readString(file); // also to find out that it is not UTF-8
      }
    } catch (IOException e) {
      problem.accept(FileReason.of(e));
    }
    return null;
  }
}
