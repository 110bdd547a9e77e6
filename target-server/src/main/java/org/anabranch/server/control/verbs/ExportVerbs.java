// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Arguments;
import org.anabranch.server.control.Place;
import org.anabranch.server.control.Verb;
import org.anabranch.server.control.Verb.ClientGoneException;
import org.anabranch.server.exports.Exports;
import org.jspecify.annotations.Nullable;

/** {@code snapshot diff} and {@code snapshot export}. */
final class ExportVerbs {
  /** Extents that are told at once. */
  private static final int PART = 1000;

  private final Exports exports;

  ExportVerbs(Exports exports) {
    this.exports = exports;
  }

  void addTo(Map<String, Verb> verbs) {
    verbs.put("snapshot diff", ((Verb) this::diff).in(Place.WAITING));
    verbs.put("snapshot export", ((Verb) this::export).in(Place.WAITING));
  }

  /** The extents come as progress, a part at a time, since there may be very many. */
  private Map<String, ?> diff(Arguments arguments, Verb.Progress progress)
      throws RefusedException, ClientGoneException {
    String name = arguments.text("name");
    List<Map<String, Object>> part = new ArrayList<>();
    long[] count = new long[1];
    long[] bytes = new long[1];
    exports.changed(
        name,
        arguments.optionalText("since"),
        extent -> {
          part.add(Map.of("offset", extent.offset(), "length", extent.length()));
          count[0]++;
          bytes[0] += extent.length();
          if (part.size() == PART) {
            progress.report(Map.of("extents", part));
            part.clear();
          }
        });
    progress.report(Map.of("extents", part));
    return Map.of("name", name, "extent-count", count[0], "changed-bytes", bytes[0]);
  }

  private Map<String, ?> export(Arguments arguments, Verb.Progress progress)
      throws RefusedException, ClientGoneException {
    String name = arguments.text("name");
    Path file = path(arguments.text("file"));
    boolean force = arguments.flag("force");
    @Nullable String since = arguments.optionalText("since");
    if (since != null && arguments.flag("changed")) {
      throw new RefusedException("since and changed exclude each other: changed is since now");
    }
    return since != null || arguments.flag("changed")
        ? exports.delta(name, since, file, force, progress)
        : exports.raw(name, file, force, progress);
  }

  private static Path path(String text) throws RefusedException {
    try {
      Path path = Path.of(text);
      if (!path.isAbsolute() || path.getFileName() == null) {
        throw new RefusedException("not the absolute path of a file: " + text);
      }
      return path;
    } catch (InvalidPathException e) {
      throw new RefusedException(text + ": " + e.getReason(), e);
    }
  }
}
