// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.Locale;
import java.util.regex.Pattern;

/** iSCSI names (RFC 7143 4.2.7), prepared as RFC 3722 says. */
public final class IscsiName {
  private static final int MAX_BYTES = 223;
  private static final Pattern IQN =
      Pattern.compile("iqn\\.[0-9]{4}-(0[1-9]|1[0-2])\\.[^.:]+(\\.[^.:]+)*(:.*)?", Pattern.DOTALL);
  private static final Pattern EUI = Pattern.compile("eui\\.[0-9a-f]{16}");
  private static final Pattern NAA = Pattern.compile("naa\\.([0-9a-f]{16}|[0-9a-f]{32})");

  private IscsiName() {}

  /** Lower case, in normalisation form KC: the form in which names are compared. */
  public static String normalise(String name) {
    return Normalizer.normalize(
        Normalizer.normalize(name, Normalizer.Form.NFKC).toLowerCase(Locale.ROOT),
        Normalizer.Form.NFKC);
  }

  /** Whether a normalised name is of type iqn, eui or naa, and of at most 223 bytes. */
  public static boolean isValid(String name) {
    return name.getBytes(StandardCharsets.UTF_8).length <= MAX_BYTES
        && allowedCharacters(name)
        && (IQN.matcher(name).matches()
            || EUI.matcher(name).matches()
            || NAA.matcher(name).matches());
  }

  /** In ASCII only letters, digits, dash, dot and colon; elsewhere letters, marks and digits. */
  static boolean allowedCharacters(String name) {
    return name.codePoints()
        .allMatch(c ->
            c < 0x80
                ? (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || "-.:".indexOf(c) >= 0
                : Character.isLetterOrDigit(c) || isMark(c));
  }

  private static boolean isMark(int codePoint) {
    int type = Character.getType(codePoint);
    return type == Character.NON_SPACING_MARK
        || type == Character.COMBINING_SPACING_MARK
        || type == Character.ENCLOSING_MARK;
  }
}
