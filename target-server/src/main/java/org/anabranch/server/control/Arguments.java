// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

import java.util.List;
import java.util.Map;
import org.anabranch.server.base.RefusedException;
import org.jspecify.annotations.Nullable;

/**
 * The arguments of a request, by name.
 *
 * @param values as {@link Json} gives them
 */
public record Arguments(Map<String, Object> values) {
  /** A text that must be there. */
  public String text(String name) throws RefusedException {
    String text = optionalText(name);
    if (text == null) {
      throw new RefusedException("argument " + name + " is missing");
    }
    return text;
  }

  /** A text, or null. */
  public @Nullable String optionalText(String name) throws RefusedException {
    Object value = values.get(name);
    if (value != null && !(value instanceof String)) {
      throw new RefusedException("argument " + name + " is no text");
    }
    return (String) value;
  }

  /** A number, or another one where there is none. */
  public long number(String name, long otherwise) throws RefusedException {
    Object value = values.get(name);
    if (value == null) {
      return otherwise;
    }
    if (!(value instanceof Number number)) {
      throw new RefusedException("argument " + name + " is no number");
    }
    return number.longValue();
  }

  /** A flag; absent means no. */
  public boolean flag(String name) throws RefusedException {
    Object value = values.get(name);
    if (value != null && !(value instanceof Boolean)) {
      throw new RefusedException("argument " + name + " is neither true nor false");
    }
    return value != null && (Boolean) value;
  }

  /** Texts; absent means none. */
  public List<String> texts(String name) throws RefusedException {
    Object value = values.get(name);
    if (value == null) {
      return List.of();
    }
    if (!(value instanceof List<?> list) || !list.stream().allMatch(String.class::isInstance)) {
      throw new RefusedException("argument " + name + " is no list of texts");
    }
    return list.stream().map(String.class::cast).toList();
  }
}
