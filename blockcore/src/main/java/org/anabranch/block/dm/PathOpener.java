// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.io.IOException;
import org.anabranch.block.BackingDevice;

/** Opens what a table names by a path. */
public interface PathOpener {
  /**
   * The identity of what {@code path} leads to, the same for all paths to it: the device's {@link
   * BackingDevice#identity} will equal it.
   *
   * @throws IOException when there is nothing at the path; the message is one line that names it
   */
  Object identity(String path) throws IOException;

  /**
   * Opens it.
   *
   * @throws IOException when it cannot be opened; the message is one line that names the path
   */
  BackingDevice open(String path) throws IOException;
}
