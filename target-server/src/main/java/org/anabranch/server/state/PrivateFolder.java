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

  /** Makes the folder, and those above it, unless it exists. Their names are durable afterwards. */
  public static void make(Path folder) throws IOException {
    Path parent = folder.toAbsolutePath().getParent();
    if (parent == null || Files.isDirectory(folder)) {
      return;
    }
    make(parent);
    Files.createDirectories( // which another thread may have made in the meantime
        folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    DurableFile.syncFolder(parent);
  }
}
