// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * An initiator's name, or several by a pattern in which {@code *} stands for any characters.
 *
 * @param text as configured, normalised
 */
public record InitiatorPattern(String text) {
  /** Everybody. */
  static final InitiatorPattern ANY = new InitiatorPattern("*");

  /** The pattern, or null when no initiator's name can match the text. */
  static @Nullable InitiatorPattern parse(String text) {
    if (text.equals("*")) {
      return ANY;
    }
    String name = IscsiName.normalise(text);
    boolean wild = name.indexOf('*') >= 0;
    boolean good =
        wild
            ? name.matches("(iqn|eui|naa)\\..*")
                && IscsiName.allowedCharacters(name.replace("*", ""))
            : IscsiName.isValid(name);
    return good ? new InitiatorPattern(name) : null;
  }

  /**
   * Whether it names this initiator.
   *
   * @param initiatorName normalised or not
   */
  public boolean matches(String initiatorName) {
    String regex = Pattern.quote(text).replace("*", "\\E.*\\Q");
    return Pattern.matches("(?s)" + regex, IscsiName.normalise(initiatorName));
  }

  @Override
  public String toString() {
    return text;
  }
}
