// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.imports;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One JSON object of saveconfig.json. Values may be texts, booleans or numbers, whichever tool
 * wrote them.
 *
 * @param where its place, such as {@code saveconfig.json: target iqn...}
 */
record LioObject(String where, Map<?, ?> json) {
  /** A text, or a number as text; null where there is none, or it is empty. */
  @Nullable String text(String key) {
    Object value = json.get(key);
    String text = value instanceof String || value instanceof Number ? value.toString() : null;
    return text == null || text.isEmpty() ? null : text;
  }

  String text(String key, String standard) {
    String text = text(key);
    return text == null ? standard : text;
  }

  long number(String key, long standard) {
    String text = text(key);
    return text != null && text.matches("-?[0-9]{1,18}") ? Long.parseLong(text) : standard;
  }

  boolean isTrue(String key, boolean standard) {
    Object value = json.get(key);
    if (value instanceof Boolean given) {
      return given;
    }
    String text = text(key);
    return text == null ? standard : text.matches("(?i)1|true|yes|on");
  }

  /** The object under a key; an empty one where there is none. */
  LioObject object(String key) {
    return new LioObject(where, json.get(key) instanceof Map<?, ?> inner ? inner : Map.of());
  }

  /** The objects of a list; none where there is no such list. */
  List<LioObject> objects(String key) {
    List<LioObject> objects = new ArrayList<>();
    if (json.get(key) instanceof List<?> list) {
      for (Object each : list) {
        if (each instanceof Map<?, ?> map) {
          objects.add(new LioObject(where, map));
        }
      }
    }
    return objects;
  }

  /** The same with another place. */
  LioObject at(String place) {
    return new LioObject(place, json);
  }
}
