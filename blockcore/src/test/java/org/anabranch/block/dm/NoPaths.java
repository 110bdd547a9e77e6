// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.io.IOException;
import org.anabranch.block.BackingDevice;

/** For a mapper whose tables name volumes and mapped devices only. */
public final class NoPaths implements PathOpener {
  @Override
  public Object identity(String path) throws IOException {
    throw new IOException(path + ": No such file or directory");
  }

  @Override
  public BackingDevice open(String path) throws IOException {
    throw new IOException(path + ": No such file or directory");
  }
}
