// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigSyntax;
import com.typesafe.config.ConfigValueFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** JSON objects as maps of strings to maps, lists, strings, numbers and booleans. */
public final class Json {
  private Json() {}

  /**
   * Reads one object.
   *
   * @throws IllegalArgumentException when the text is no JSON object
   */
  public static Map<String, Object> parse(String text) {
    try {
      ConfigParseOptions json = ConfigParseOptions.defaults().setSyntax(ConfigSyntax.JSON);
      return ConfigFactory.parseString(text, json).root().unwrapped();
    } catch (ConfigException | StackOverflowError e) {
      throw new IllegalArgumentException("not a JSON object: " + e.getMessage(), e);
    }
  }

  /** The objects of a list; none where there is no such list. */
  public static List<Map<?, ?>> objects(Map<?, ?> object, String key) {
    List<Map<?, ?>> objects = new ArrayList<>();
    if (object.get(key) instanceof List<?> list) {
      list.forEach(each -> objects.add((Map<?, ?>) each));
    }
    return objects;
  }

  /** On one line. */
  public static String line(Map<String, ?> object) {
    return ConfigValueFactory.fromMap(object).render(ConfigRenderOptions.concise());
  }

  /** On many lines, for people. Ends with a line end. */
  public static String pretty(Map<String, ?> object) {
    return ConfigValueFactory.fromMap(object)
        .render(ConfigRenderOptions.concise().setFormatted(true));
  }
}
