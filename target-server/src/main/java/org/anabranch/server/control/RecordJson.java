// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.anabranch.server.base.RefusedException;
import org.jspecify.annotations.Nullable;

/**
 * Records as JSON objects. A component {@code chunkBytes} is the field {@code chunk-bytes}. Texts,
 * paths, instants and constants of enums (in lower case) are JSON strings, int and long are
 * numbers, lists are arrays, other records are objects. A component that is {@link Nullable} may be
 * absent; an absent list is empty, and an absent boolean is false.
 */
public final class RecordJson {
  private static final ClassValue<RecordComponent[]> COMPONENTS =
      new ClassValue<>() {
        @Override
        protected RecordComponent[] computeValue(Class<?> type) {
          return type.getRecordComponents();
        }
      };

  private RecordJson() {}

  /** The name of a component's field. */
  public static String key(RecordComponent component) {
    Doc doc = component.getAnnotation(Doc.class);
    if (doc != null && !doc.name().isEmpty()) {
      return doc.name();
    }
    return component.getName().replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
  }

  /** Whether a component's field may be absent. */
  public static boolean isOptional(RecordComponent component) {
    return component.getAnnotatedType().isAnnotationPresent(Nullable.class);
  }

  /** A constant as JSON has it: {@code ON_NEXT_LOGIN} is {@code on-next-login}. */
  public static String constant(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** The object for a record, with its fields in the order of the components. */
  public static Map<String, Object> write(Record object) {
    Map<String, Object> json = new LinkedHashMap<>();
    for (RecordComponent component : COMPONENTS.get(object.getClass())) {
      Object value = value(object, component);
      if (component.isAnnotationPresent(Flat.class)) {
        if (value != null) {
          json.putAll(write((Record) value));
        }
      } else if (value != null) {
        json.put(key(component), json(value));
      }
    }
    return json;
  }

  private static @Nullable Object value(Record object, RecordComponent component) {
    try {
      return component.getAccessor().invoke(object);
    } catch (IllegalAccessException | InvocationTargetException e) {
      throw new IllegalStateException(component.toString(), e);
    }
  }

  private static Object json(Object value) {
    return switch (value) {
      case Record object -> write(object);
      case List<?> list -> list.stream().map(RecordJson::json).toList();
      case Enum<?> constant -> constant(constant);
      case Number number -> number;
      case Boolean flag -> flag;
      default -> value.toString();
    };
  }

  /**
   * The record for an object. Fields that the record does not have are passed over.
   *
   * @param what what the user calls a field, such as {@code argument}
   * @throws RefusedException when a field is missing or has another type
   */
  public static <T extends Record> T read(Class<T> type, Map<?, ?> json, String what)
      throws RefusedException {
    RecordComponent[] components = COMPONENTS.get(type);
    @Nullable Object[] values = new @Nullable Object[components.length];
    for (int i = 0; i < components.length; i++) {
      RecordComponent component = components[i];
      values[i] =
          component.isAnnotationPresent(Flat.class)
              ? flat(component, json, what)
              : component(component, json.get(key(component)), what + " " + key(component));
    }
    try {
      return type.getDeclaredConstructor(
              Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new))
          .newInstance(values);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(type.toString(), e);
    }
  }

  /** A flat record is absent when the first of its fields is. */
  private static @Nullable Object flat(RecordComponent component, Map<?, ?> json, String what)
      throws RefusedException {
    Class<? extends Record> type = component.getType().asSubclass(Record.class);
    boolean absent = !json.containsKey(key(COMPONENTS.get(type)[0]));
    return absent && isOptional(component) ? null : read(type, json, what);
  }

  private static @Nullable Object component(
      RecordComponent component, @Nullable Object json, String what) throws RefusedException {
    if (json != null) {
      return value(component.getGenericType(), json, what);
    }
    if (isOptional(component)) {
      return null;
    }
    if (component.getType() == List.class) {
      return List.of();
    }
    if (component.getType() == boolean.class) {
      return false;
    }
    throw new RefusedException(what + " is missing");
  }

  private static Object value(Type type, Object json, String what) throws RefusedException {
    if (type instanceof ParameterizedType list) { // the only one: a list
      if (!(json instanceof List<?> elements)) {
        throw new RefusedException(what + " is not a list");
      }
      List<Object> values = new ArrayList<>(elements.size());
      for (Object element : elements) {
        values.add(value(list.getActualTypeArguments()[0], element, what));
      }
      return List.copyOf(values);
    }
    return scalar((Class<?>) type, json, what);
  }

  private static Object scalar(Class<?> type, Object json, String what) throws RefusedException {
    if (type == boolean.class || type == Boolean.class) {
      return expect(Boolean.class, json, what + " is neither true nor false");
    }
    if (type == long.class || type == Long.class) {
      return expect(Number.class, json, what + " is not a number").longValue();
    }
    if (type == int.class || type == Integer.class) {
      long number = expect(Number.class, json, what + " is not a number").longValue();
      if (number != (int) number) {
        throw new RefusedException(what + " is out of range: " + number);
      }
      return (int) number;
    }
    if (type.isRecord()) {
      return read(
          type.asSubclass(Record.class), expect(Map.class, json, what + " is not an object"), what);
    }
    return text(type, expect(String.class, json, what + " is not a text"), what);
  }

  private static Object text(Class<?> type, String text, String what) throws RefusedException {
    if (type == String.class) {
      return text;
    }
    try {
      if (type == Instant.class) {
        return Instant.parse(text);
      }
      if (type == Path.class) {
        return Path.of(text);
      }
    } catch (DateTimeException | InvalidPathException e) {
      throw new RefusedException(what + ": " + e.getMessage(), e);
    }
    for (Object constant : type.getEnumConstants()) {
      if (constant((Enum<?>) constant).equals(text)) {
        return constant;
      }
    }
    throw new RefusedException(
        what
            + " is "
            + text
            + "; allowed are "
            + Arrays.stream(type.getEnumConstants())
                .map(each -> constant((Enum<?>) each))
                .collect(Collectors.joining(", ")));
  }

  private static <T> T expect(Class<T> type, Object json, String otherwise)
      throws RefusedException {
    if (!type.isInstance(json)) {
      throw new RefusedException(otherwise);
    }
    return type.cast(json);
  }

  /**
   * Refuses arguments that a verb does not know: they come from a newer command, or are misspelt,
   * and to pass over them could do something else than was asked for.
   */
  static void refuseUnknown(Class<? extends Record> type, Map<String, ?> json)
      throws RefusedException {
    Set<String> known =
        Arrays.stream(COMPONENTS.get(type))
            .map(RecordJson::key)
            .collect(Collectors.toCollection(TreeSet::new));
    for (String name : json.keySet()) {
      if (!known.contains(name)) {
        throw RefusedException.absent("argument", name, known);
      }
    }
  }
}
