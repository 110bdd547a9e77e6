// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.regex.Pattern;

/** Warns of CHAP secrets in a file that every user of the machine can read. */
final class ReadableSecrets {
  /** A secret that stands in the file, and not one from an environment variable. */
  private static final Pattern SECRET =
      Pattern.compile("\\bsecret\"?\\s*[=:]\\s*(?!\\s|\\$\\{)\\S");

  private ReadableSecrets() {}

  /**
   * Looks at one file.
   *
   * @param text what is in it
   */
  static void warn(Path file, String text, Problems problems) {
    try {
      if (SECRET.matcher(text).find()
          && Files.getPosixFilePermissions(file).contains(PosixFilePermission.OTHERS_READ)) {
        problems.warnIn(
            file.toString(),
            "it has CHAP secrets, and every user of this machine can read it: chmod o-r "
                + file
                + ", or take the secrets from environment variables");
      }
    } catch (IOException | UnsupportedOperationException e) {
      problems.warnIn(file.toString(), "who can read it is not known: " + e);
    }
  }
}
