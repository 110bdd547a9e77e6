// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.imports;

import java.util.HashSet;
import java.util.Set;

/** Names for volumes, each once: at most 64 letters, digits, '.', '_', '+' and '-'. */
final class VolumeNames {
  private static final int MAX = 64;
  private final Set<String> given = new HashSet<>();

  /** A name for a file: the last part of its path, without an ending such as .img. */
  String ofPath(String path) {
    String last = path.substring(path.lastIndexOf('/') + 1);
    return of(last.replaceFirst("\\.(img|raw|iso|disk|store)$", ""));
  }

  /** A name that is as much like the text as can be. */
  String of(String text) {
    String name = text.replaceAll("[^A-Za-z0-9._+-]", "-").replaceFirst("^[^A-Za-z0-9]+", "");
    String base = name.isEmpty() ? "volume" : name.substring(0, Math.min(name.length(), MAX));
    String unique = base;
    for (int i = 2; !given.add(unique); i++) {
      String suffix = "-" + i;
      unique = base.substring(0, Math.min(base.length(), MAX - suffix.length())) + suffix;
    }
    return unique;
  }
}
