// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.nio.file.Path;

/**
 * How a table refers to a device: by name, or by the path of a file. The two are never confused: a
 * device may have the name of a file in the current directory, of a target type, or a number.
 */
public sealed interface DeviceRef {
  /** The mapped device or volume of that name. */
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
   * The device at a path.
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

  /** Its word in a table's text, unquoted. A path contains a slash, a name does not. */
  String word();
}
