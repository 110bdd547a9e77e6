// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * The values of one quantity at increasing sizes; several curves share one picture.
 *
 * @param title the quantity, and what it depends on
 * @param points value by size, in the order measured, for each curve by name
 */
record Curves(String title, Map<String, Map<Long, Double>> points) {
  Curves(String title) {
    this(title, new LinkedHashMap<>());
  }

  void add(String curve, long size, double value) {
    points.computeIfAbsent(curve, name -> new LinkedHashMap<>()).put(size, value);
  }

  double most() {
    return points.values().stream()
        .flatMap(curve -> curve.values().stream())
        .mapToDouble(value -> value)
        .max()
        .orElse(1);
  }

  /** The sizes of all curves. */
  SortedSet<Long> sizes() {
    SortedSet<Long> sizes = new TreeSet<>();
    points.values().forEach(curve -> sizes.addAll(curve.keySet()));
    return sizes;
  }
}
