// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.anabranch.jscsi.MalformedPduException;

/** Text of Login and Text PDUs: {@code key=value}, each ended by a zero byte (RFC 7143 6.1). */
public final class Text {
  private static final int LONGEST_KEY = 63;

  /** The longest values are CHAP's largest numbers (12.1.3), with 2,050 characters. */
  private static final int LONGEST_VALUE = 8192;

  private static final Set<String> LISTED =
      Set.of(Key.TARGET_NAME.text(), Key.TARGET_ADDRESS.text());

  private final Set<String> answered = new HashSet<>();
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  /**
   * Adds an answer. Only the keys that discovery lists may be added more than once: for any other
   * key an initiator would treat a second answer as an error.
   */
  public void add(String key, String value) {
    if (!LISTED.contains(key) && !answered.add(key)) {
      throw new IllegalStateException("a second answer to " + key);
    }
    bytes.writeBytes((key + "=" + value).getBytes(StandardCharsets.UTF_8));
    bytes.write(0);
  }

  boolean isEmpty() {
    return bytes.size() == 0;
  }

  public byte[] toBytes() {
    return bytes.toByteArray();
  }

  /**
   * Keys and values in the order they came.
   *
   * @throws MalformedPduException no {@code =}, a key that is empty, too long or has characters
   *     that no key has, or one that comes twice
   */
  public static Map<String, String> parse(byte[] text, int length) throws MalformedPduException {
    Map<String, String> pairs = new LinkedHashMap<>();
    int start = 0;
    while (start < length) {
      int end = start;
      while (end < length && text[end] != 0) {
        end++;
      }
      if (end > start) {
        String pair = new String(text, start, end - start, StandardCharsets.UTF_8);
        int equals = pair.indexOf('=');
        if (equals < 1 || !isKey(pair.substring(0, equals))) {
          throw new MalformedPduException("text is not key=value");
        }
        String value = pair.substring(equals + 1);
        if (value.length() > LONGEST_VALUE) {
          throw new MalformedPduException("value is too long");
        }
        if (pairs.putIfAbsent(pair.substring(0, equals), value) != null) {
          throw new MalformedPduException("key comes twice: " + pair.substring(0, equals));
        }
      }
      start = end + 1;
    }
    return pairs;
  }

  /** Standard-label and X-key characters (6.1). */
  private static boolean isKey(String key) {
    return key.length() <= LONGEST_KEY
        && key.chars()
            .allMatch(c ->
                (c >= 'a' && c <= 'z')
                    || (c >= 'A' && c <= 'Z')
                    || (c >= '0' && c <= '9')
                    || ".-+@_#".indexOf(c) >= 0);
  }
}
