// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * JSON objects as maps of strings to maps, lists, strings, numbers and booleans. The keys of a map
 * that has an order are written in it, those of any other map by the alphabet.
 */
public final class Json {
  private static final JSON PRETTY = JSON.std.with(printer());

  private Json() {}

  /** An element a line, and nothing between the brackets of what is empty. */
  private static DefaultPrettyPrinter printer() {
    DefaultPrettyPrinter printer =
        new DefaultPrettyPrinter(
            Separators.createDefaultInstance()
                .withArrayEmptySeparator("")
                .withObjectEmptySeparator(""));
    printer.indentArraysWith(DefaultIndenter.SYSTEM_LINEFEED_INSTANCE);
    return printer;
  }

  /**
   * Reads one object, and nothing behind it.
   *
   * @throws IllegalArgumentException when the text is no JSON object
   */
  public static Map<String, Object> parse(String text) {
    try (JsonParser parser = JSON.std.createParser(text)) {
      Map<String, Object> object = JSON.std.mapFrom(parser);
      if (object == null || parser.nextToken() != null) {
        throw new IllegalArgumentException("not a JSON object, or more than one");
      }
      return object;
    } catch (IOException e) {
      String reason = String.valueOf(e.getMessage());
      throw new IllegalArgumentException(
          "not a JSON object: " + reason.lines().findFirst().orElse(""), e);
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
    return text(JSON.std, object);
  }

  /** On many lines, for people. Ends with a line end. */
  public static String pretty(Map<String, ?> object) {
    return text(PRETTY, object) + "\n";
  }

  private static String text(JSON json, Map<String, ?> object) {
    try {
      return json.asString(ordered(object));
    } catch (IOException e) {
      throw new IllegalArgumentException("cannot be written as JSON: " + e.getMessage(), e);
    }
  }

  private static @Nullable Object ordered(@Nullable Object value) {
    return switch (value) {
      case Map<?, ?> map -> {
        Map<String, @Nullable Object> copy =
            map instanceof SequencedMap ? new LinkedHashMap<>() : new TreeMap<>();
        map.forEach((key, each) -> copy.put(String.valueOf(key), ordered(each)));
        yield copy;
      }
      case List<?> list -> {
        List<@Nullable Object> copy = new ArrayList<>(list.size());
        list.forEach(each -> copy.add(ordered(each)));
        yield copy;
      }
      case null, default -> value;
    };
  }
}
