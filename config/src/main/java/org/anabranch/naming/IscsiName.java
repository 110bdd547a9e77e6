// SPDX-License-Identifier: Apache-2.0
package org.anabranch.naming;

import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The name of an iSCSI initiator or target (RFC 7143 4.2.7), prepared by the stringprep profile of
 * RFC 3722: characters without meaning removed, case folded, normalisation form KC. Two names are
 * equal when they are equal in this form.
 *
 * <p>Names in the field do not keep to the RFC: QEMU takes a virtual machine's name into the
 * initiator's name with its underscores and blanks, and targets that were set up with other
 * software have names of no standard type. So there are two judgements, and every part of the
 * server uses these:
 *
 * <pre>
 *   {@link #flaw}        what keeps a text from being a name at all: it is refused everywhere
 *   {@link #deviation}   how a name differs from the RFC: it works, and {@code check} warns
 * </pre>
 *
 * @param text the prepared form, at most {@value #MAX_BYTES} bytes of UTF-8
 */
public record IscsiName(String text) {
  /** The longest name, in bytes of UTF-8 (RFC 7143 4.2.7.2). */
  public static final int MAX_BYTES = 223;

  private static final Pattern IQN =
      Pattern.compile("iqn\\.[0-9]{4}-(0[1-9]|1[0-2])\\.[^.:]++(\\.[^.:]++)*+(:.*)?");
  private static final Pattern EUI = Pattern.compile("eui\\.[0-9a-f]{16}");
  private static final Pattern NAA = Pattern.compile("naa\\.([0-9a-f]{16}|[0-9a-f]{32})");

  /**
   * @param text in any spelling
   * @throws IllegalArgumentException if it is no name; the message is its {@link #flaw}
   */
  public IscsiName {
    String flaw = flaw(text);
    if (flaw != null) {
      throw new IllegalArgumentException(flaw);
    }
    text = Stringprep.prepare(text);
  }

  /** The form in which names are compared. Also for parts of names, such as patterns. */
  public static String normalise(String text) {
    return Stringprep.prepare(text);
  }

  /**
   * Why a text cannot be a name, such as {@code "it has a comma"}; null if it can. Every printable
   * character is accepted but the comma, which ends the name in a port name (SPC-4 7.6.4.6).
   */
  public static @Nullable String flaw(String text) {
    String name = Stringprep.prepare(text);
    if (name.isEmpty()) {
      return "it is empty";
    }
    int bytes = name.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > MAX_BYTES) {
      return "it has " + bytes + " bytes, and " + MAX_BYTES + " are allowed";
    }
    return Stringprep.forbidden(name);
  }

  /** Whether the name has the form of one of the RFC's types, and only characters it allows. */
  public boolean isStandard() {
    return deviation() == null;
  }

  /**
   * How the name differs from what RFC 7143 and RFC 3722 allow, such as {@code "its type is not
   * iqn., eui. or naa."}; null if it does not.
   */
  public @Nullable String deviation() {
    if (!hasType(text)) {
      return "its type is not iqn., eui. or naa.";
    }
    String discouraged = Stringprep.discouraged(text);
    if (discouraged != null) {
      return discouraged;
    }
    if (text.startsWith("eui.") && !EUI.matcher(text).matches()) {
      return "eui. is followed by 16 hexadecimal digits";
    }
    if (text.startsWith("naa.") && !NAA.matcher(text).matches()) {
      return "naa. is followed by 16 or 32 hexadecimal digits";
    }
    if (text.startsWith("iqn.") && !IQN.matcher(text).matches()) {
      return "iqn. is followed by YYYY-MM.reversed.domain, and after a colon by anything";
    }
    return null;
  }

  /** Whether a normalised text begins with one of the types of RFC 7143 4.2.7. */
  static boolean hasType(String text) {
    return text.startsWith("iqn.") || text.startsWith("eui.") || text.startsWith("naa.");
  }

  @Override
  public String toString() {
    return text;
  }
}
