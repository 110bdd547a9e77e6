// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Flat;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.RecordJson;
import org.jspecify.annotations.Nullable;

/** The section of docs/json.md for a verb, as its records have it. */
final class VerbDocs {
  private final List<String> undocumented = new ArrayList<>();

  /** Fields without documentation, found by {@link #section}. */
  List<String> undocumented() {
    return undocumented;
  }

  /** The section without its heading. */
  String section(Call<?, ?, ?> call) {
    if (call.summary().isBlank()) {
      undocumented.add(call.name());
    }
    return "\n"
        + call.summary()
        + "\n\n```\n"
        + String.join("\n", lines(call.name(), call.result()))
        + "\n```\n"
        + fence("Arguments at the control socket", "arguments", call.name(), call.arguments())
        + fence("Progress at the control socket", "progress", call.name(), call.progress());
  }

  private String fence(String title, String kind, String verb, Class<? extends Record> type) {
    return type == Nothing.class
        ? ""
        : "\n"
            + title
            + ":\n\n```"
            + kind
            + "\n"
            + String.join("\n", lines(verb, type))
            + "\n```\n";
  }

  private List<String> lines(String verb, Class<? extends Record> type) {
    List<String> lines = new ArrayList<>();
    add(verb, "", type, false, lines);
    return lines;
  }

  private void add(
      String verb, String prefix, Class<?> type, boolean optional, List<String> lines) {
    for (RecordComponent component : type.getRecordComponents()) {
      boolean absent = optional || RecordJson.isOptional(component);
      if (component.isAnnotationPresent(Flat.class)) {
        add(verb, prefix, component.getType(), absent, lines);
        continue;
      }
      Type valueType = component.getGenericType();
      String key = prefix + RecordJson.key(component);
      if (valueType instanceof ParameterizedType list) {
        key += "[]";
        valueType = list.getActualTypeArguments()[0];
      }
      @Nullable Doc doc = component.getAnnotation(Doc.class);
      if (doc == null || doc.value().isBlank()) {
        undocumented.add(verb + ": " + key);
        continue;
      }
      Class<?> value = (Class<?>) valueType;
      lines.add(
          String.format(
              Locale.ROOT, "%-35s %-9s %s", key + (absent ? "?" : ""), type(value), doc.value()));
      if (value.isRecord() && doc.listedIn().isEmpty()) {
        add(verb, key + ".", value, false, lines);
      }
    }
  }

  private static String type(Class<?> type) {
    if (type.isRecord()) {
      return "object";
    }
    if (type == boolean.class || type == Boolean.class) {
      return "boolean";
    }
    return type.isPrimitive() || Number.class.isAssignableFrom(type) ? "number" : "text";
  }
}
