// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The text of login and text PDUs: {@code key=value} pairs, each ended by a zero byte (RFC 7143
 * 6.1).
 */
final class TextKeys {
  private TextKeys() {}

  static byte[] encode(Map<String, String> keys) {
    StringBuilder text = new StringBuilder();
    keys.forEach((key, value) -> text.append(key).append('=').append(value).append('\0'));
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  /** In order, including repetitions, as in SendTargets responses. */
  static List<Map.Entry<String, String>> decode(byte[] text) throws IscsiException {
    List<Map.Entry<String, String>> pairs = new ArrayList<>();
    for (String pair : new String(text, StandardCharsets.UTF_8).split("\0", -1)) {
      if (pair.isEmpty()) {
        continue;
      }
      int equals = pair.indexOf('=');
      if (equals <= 0) {
        throw new IscsiException("text without key=value: " + pair);
      }
      pairs.add(Map.entry(pair.substring(0, equals), pair.substring(equals + 1)));
    }
    return pairs;
  }
}
