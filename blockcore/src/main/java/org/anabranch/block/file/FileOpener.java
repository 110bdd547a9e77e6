// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.dm.PathOpener;

/** Opens the files that tables name by path, with {@link FileOptions#DEFAULT}. */
public final class FileOpener implements PathOpener {
  /** Links the system calls in advance, which takes longer than opening a file with them. */
  public static void preload() {
    Linux.isHere();
  }

  @Override
  public Object identity(String path) throws IOException {
    return FileOpening.identity(parse(path));
  }

  @Override
  public BackingDevice open(String path) throws IOException {
    return FileDevice.open(path, parse(path), FileOptions.DEFAULT);
  }

  private static Path parse(String path) throws IOException {
    try {
      return Path.of(path);
    } catch (InvalidPathException e) {
      throw new IOException(path + ": " + e.getReason(), e);
    }
  }
}
