// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import com.typesafe.config.ConfigList;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigOrigin;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueFactory;
import com.typesafe.config.ConfigValueType;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.anabranch.config.Secret;
import org.anabranch.config.SourceLocation;
import org.anabranch.config.Suggestion;
import org.jspecify.annotations.Nullable;

/**
 * One object of the file, read key by key. What is wrong goes to {@link Problems}, and reading goes
 * on with the default, so that one run finds everything. A key that nobody asked for is unknown.
 */
final class Section {
  private static final String RATES =
      "; rate limits belong to a volume: volumes { NAME { limits { iops = 500 } } }";

  private final ConfigObject object;
  private final ConfigObject defaults;
  private final String path;
  private final Problems problems;
  private final boolean usable;
  private final Set<String> known = new TreeSet<>();

  Section(ConfigObject object, ConfigObject defaults, String path, Problems problems) {
    this(object, defaults, path, problems, true);
  }

  /**
   * @param usable false: there is no object, which has been reported; nothing is missing in it
   */
  private Section(
      ConfigObject object, ConfigObject defaults, String path, Problems problems, boolean usable) {
    this.object = object;
    this.defaults = defaults;
    this.path = path;
    this.problems = problems;
    this.usable = usable;
  }

  /** The names in an object of named things, sorted. All count as known. */
  Set<String> names() {
    known.addAll(object.keySet());
    return new TreeSet<>(object.keySet());
  }

  boolean has(String key) {
    known.add(key);
    return given(key) != null;
  }

  /** The value, its default, or null (and a problem) when it is wrong or missing. */
  <T> @Nullable T required(String key, ValueFormat<T> form) {
    known.add(key);
    ConfigValue value = valueOf(key);
    if (value == null) {
      missing(key, "missing", form.allowed());
      return null;
    }
    return read(key, value, form);
  }

  /** The value, or its default, or null. */
  <T> @Nullable T optional(String key, ValueFormat<T> form) {
    known.add(key);
    ConfigValue value = valueOf(key);
    return value == null ? null : read(key, value, form);
  }

  /** The value; a wrong one is reported and reads as the default, which there must be. */
  <T> T withDefault(String key, ValueFormat<T> form) {
    T value = optional(key, form);
    if (value == null) {
      ConfigValue standard = defaults.get(key);
      value = standard == null ? null : read(key, standard, form);
    }
    if (value == null) {
      throw new IllegalStateException("reference.conf has no good default for " + full(key));
    }
    return value;
  }

  /** A list of values, or one value that stands for a list of one; empty when absent. */
  <T> List<T> list(String key, ValueFormat<T> form) {
    known.add(key);
    ConfigValue value = valueOf(key);
    if (value == null) {
      return List.of();
    }
    List<T> result = new ArrayList<>();
    if (value instanceof ConfigList elements) {
      for (ConfigValue element : elements) {
        T read = read(key, element, form);
        if (read != null) {
          result.add(read);
        }
      }
      return result;
    }
    T read = read(key, value, form);
    return read == null ? result : List.of(read);
  }

  /** The same, and a list that is there but empty is a problem. */
  <T> List<T> nonEmptyList(String key, ValueFormat<T> form) {
    if (given(key) instanceof ConfigList elements && elements.isEmpty()) {
      problem(key, "an empty list", "at least one: " + form.allowed());
    }
    return list(key, form);
  }

  /**
   * The objects under a key: one, or a list of them; empty when absent. Elements that are no
   * objects are reported.
   */
  List<Section> sections(String key) {
    ConfigValue value = given(key);
    if (value == null) {
      return List.of();
    }
    List<Section> result = new ArrayList<>();
    List<? extends ConfigValue> elements = value instanceof ConfigList list ? list : List.of(value);
    if (elements.isEmpty()) {
      problem(key, "an empty list", "at least one: " + key + " { ... }");
    }
    for (ConfigValue element : elements) {
      if (element instanceof ConfigObject object) {
        result.add(new Section(object, empty(), full(key), problems));
      } else {
        problems.add(
            element.origin(),
            full(key),
            "found " + shown(element),
            "an object: " + key + " { ... }, or a list of them");
      }
    }
    return result;
  }

  /** A list of values of which each is written as text, or as an object. */
  <T> List<T> list(String key, ValueFormat<T> format, Function<Section, @Nullable T> inner) {
    ConfigValue value = valueOf(key);
    known.add(key);
    List<T> result = new ArrayList<>();
    List<? extends ConfigValue> elements =
        value == null ? List.of() : value instanceof ConfigList list ? list : List.of(value);
    if (value != null && elements.isEmpty()) {
      problem(key, "an empty list", "at least one: " + format.allowed());
    }
    for (ConfigValue element : elements) {
      T read =
          element instanceof ConfigObject object
              ? inner.apply(new Section(object, empty(), full(key), problems))
              : read(key, element, format);
      if (read != null) {
        result.add(read);
      }
    }
    return result;
  }

  /** The object under a key; empty when absent, or (with a problem) when it is something else. */
  Section section(String key) {
    return section(key, objectIn(defaults, key));
  }

  /** The same, with the defaults given. */
  Section section(String key, ConfigObject sectionDefaults) {
    known.add(key);
    ConfigValue value = given(key);
    ConfigObject inner = empty();
    if (value instanceof ConfigObject found) {
      inner = found;
    } else if (value != null) {
      problem(key, "found " + shown(value), "an object: " + key + " { ... }");
    }
    boolean there = value == null || value instanceof ConfigObject;
    return new Section(inner, sectionDefaults, full(key), problems, there);
  }

  /** The defaults of the object under a key. */
  static ConfigObject objectIn(ConfigObject object, String key) {
    return object.get(key) instanceof ConfigObject inner ? inner : empty();
  }

  static ConfigObject empty() {
    return ConfigValueFactory.fromMap(java.util.Map.of());
  }

  /** What the file says, if anything. */
  @Nullable ConfigValue given(String key) {
    known.add(key);
    ConfigValue value = object.get(key);
    return value == null || value.valueType() == ConfigValueType.NULL ? null : value;
  }

  /** Ends the reading: whatever was not asked for is unknown. */
  void end() {
    for (String key : new TreeSet<>(object.keySet())) {
      if (!known.contains(key)) {
        problem(
            key,
            "unknown key" + (isRate(key) ? RATES : Suggestion.didYouMean(key, known)),
            known.isEmpty() ? "nothing here" : String.join(", ", known));
      }
    }
  }

  /** Rates are looked for in a volume, and among the limits of the server. */
  private static boolean isRate(String key) {
    return key.endsWith("iops") || key.endsWith("bytes-per-second");
  }

  /** Reports that a key is missing, unless everything is. */
  void missing(String key, String found, String allowed) {
    if (usable) {
      problem(key, found, allowed);
    }
  }

  /** Reports what is wrong with a key, at its line or at this section's. */
  void problem(String key, String found, String allowed) {
    problems.add(origin(key), full(key), found, allowed);
  }

  /** The place of a key, or else of this section. */
  SourceLocation location(String key) {
    return problems.location(origin(key), full(key));
  }

  /** Warns of what a key says, at its line. */
  void warn(String key, String found, String better) {
    problems.warn(origin(key), full(key), found, better);
  }

  /** Warns of this section. */
  void warn(String found, String better) {
    problems.warn(object.origin(), path, found, better);
  }

  private ConfigOrigin origin(String key) {
    ConfigValue value = object.get(key);
    return value == null ? object.origin() : value.origin();
  }

  /** Reports what is wrong with this section. */
  void problem(String found, String allowed) {
    problems.add(object.origin(), path, found, allowed);
  }

  private @Nullable ConfigValue valueOf(String key) {
    ConfigValue value = given(key);
    return value == null ? defaults.get(key) : value;
  }

  private <T> @Nullable T read(String key, ConfigValue value, ValueFormat<T> form) {
    String text = scalar(value);
    String why = "";
    T result = null;
    try {
      result = text == null ? null : form.reader().apply(text);
    } catch (IllegalArgumentException e) {
      why = ": " + e.getMessage();
    }
    if (result == null) {
      String found =
          form.secret() && text != null
              ? "found " + new Secret(text).length() + " bytes"
              : shown(value);
      problems.add(
          value.origin(),
          full(key),
          form.secret()
              ? (text == null ? "found a list or object" : found)
              : "found " + found + why,
          form.allowed());
    }
    return result;
  }

  private static @Nullable String scalar(ConfigValue value) {
    return switch (value.valueType()) {
      case STRING, NUMBER, BOOLEAN -> value.atKey("v").getString("v");
      case LIST, OBJECT, NULL -> null;
    };
  }

  static String shown(ConfigValue value) {
    return switch (value.valueType()) {
      case LIST -> "a list";
      case OBJECT -> "an object";
      case NULL -> "null";
      case STRING, NUMBER, BOOLEAN -> {
        String text = value.atKey("v").getString("v");
        yield '"' + Problems.printable(text) + '"';
      }
    };
  }

  private String full(String key) {
    return path.isEmpty() ? ConfigUtil.joinPath(key) : path + "." + ConfigUtil.joinPath(key);
  }
}
