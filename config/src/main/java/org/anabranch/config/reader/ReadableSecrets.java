// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import com.typesafe.config.ConfigList;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Warns of CHAP secrets that stand in a file which other users can read: the configuration file
 * itself, and each file that it includes in whatever way. A secret from an environment variable
 * stands in no file.
 */
final class ReadableSecrets {
  private static final String KEY = "secret";

  private ReadableSecrets() {}

  /**
   * Looks at the files of one configuration.
   *
   * @param root what was read, with its substitutions resolved
   * @param main the configuration file; null if it is a text that was not read from a file
   */
  static void warn(ConfigObject root, @Nullable Path main, Problems problems) {
    Set<Path> files = new TreeSet<>();
    collect(root, main, files);
    for (Path file : files) {
      try {
        String flaw = FileReaders.tooMany(file);
        if (flaw != null) {
          problems.warnIn(
              file.toString(),
              "it has CHAP secrets, and "
                  + flaw
                  + ", or take the secrets from secret-file or environment variables");
        }
      } catch (IOException e) {
        problems.warnIn(file.toString(), "who can read it is not known: " + FileReason.of(e));
      } catch (UnsupportedOperationException e) {
        problems.warnIn(file.toString(), "who can read it is not known on this file system");
      }
    }
  }

  private static void collect(ConfigValue value, @Nullable Path main, Set<Path> files) {
    if (value instanceof ConfigObject object) {
      object.forEach((key, inner) -> {
        if (key.equals(KEY) && inner.valueType() == ConfigValueType.STRING) {
          Path file = fileOf(inner, main);
          if (file != null) {
            files.add(file);
          }
        }
        collect(inner, main, files);
      });
    } else if (value instanceof ConfigList list) {
      list.forEach(inner -> collect(inner, main, files));
    }
  }

  /** Values of the main file have no file in their origin but its line; variables have neither. */
  private static @Nullable Path fileOf(ConfigValue value, @Nullable Path main) {
    String included = value.origin().filename();
    if (included != null) {
      return Path.of(included);
    }
    return value.origin().lineNumber() > 0 ? main : null;
  }
}
