// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * A folder below the state directory: only its owner may look into it (mode 0700), also where
 * {@code control-group} lets others pass through the state directory.
 */
public final class PrivateFolder {
  private PrivateFolder() {}

  /** Makes the folder, and those above it, unless it exists. */
  public static void make(Path folder) throws IOException {
    Files.createDirectories(
        folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
  }
}
