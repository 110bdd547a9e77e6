// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.imports;

import com.typesafe.config.ConfigUtil;
import java.util.Collection;
import java.util.stream.Collectors;

/** Words of HOCON. */
final class Hocon {
  private Hocon() {}

  /** A text in quotes. */
  static String quote(String text) {
    return ConfigUtil.quoteString(text);
  }

  /** A name, without quotes where it needs none. */
  static String word(String name) {
    return name.matches("[A-Za-z][A-Za-z0-9_-]*") ? name : quote(name);
  }

  /** A list of texts, in brackets unless it has one element. */
  static String list(Collection<?> elements) {
    String all =
        elements.stream().map(each -> quote(each.toString())).collect(Collectors.joining(", "));
    return elements.size() == 1 ? all : "[" + all + "]";
  }
}
