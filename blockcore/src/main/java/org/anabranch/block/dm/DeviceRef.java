// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.nio.file.Path;

/**
 * Which device a table stands on: one by its name, or a file by its path. The two never mix: a
 * device that has the name of a file in the current directory, of a target type or of a number is
 * still that device, and the file is still the file.
 */
public sealed interface DeviceRef {
  /** The mapped device or volume of that name, and nothing else. */
  record Named(String name) implements DeviceRef {
    @Override
    public String word() {
      return name;
    }

    @Override
    public String toString() {
      return word();
    }
  }

  /**
   * What a path leads to, and nothing else.
   *
   * @param path as the {@link PathOpener} takes it; never empty
   */
  record AtPath(String path) implements DeviceRef {
    public AtPath {
      if (path.isEmpty()) {
        throw new IllegalArgumentException("an empty path");
      }
    }

    @Override
    public String word() {
      return path.indexOf('/') < 0 ? "./" + path : path;
    }

    @Override
    public String toString() {
      return word();
    }
  }

  /** A mapped device or volume. */
  static DeviceRef named(String name) {
    return new Named(name);
  }

  /** A file. */
  static DeviceRef at(Path path) {
    return new AtPath(path.toString());
  }

  /** The word for it in a table's text, not quoted. A path has a slash in it, a name has none. */
  String word();
}
