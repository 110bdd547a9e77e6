// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.source;

import java.nio.file.Path;

/**
 * A file or block device of this machine.
 *
 * @param path absolute and normalized
 */
public record FileSource(Path path) implements VolumeSource {
  @Override
  public String address() {
    return path.toString();
  }

  @Override
  public String key() {
    return "path";
  }
}
