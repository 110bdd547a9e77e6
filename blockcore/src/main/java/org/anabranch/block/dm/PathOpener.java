// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.io.IOException;
import org.anabranch.block.BackingDevice;

/** Opens what a table names by a path. */
public interface PathOpener {
  /**
   * What {@code path} leads to, whichever of its paths is given: what the device's {@link
   * BackingDevice#identity} will be.
   *
   * @throws IOException when it leads nowhere; the message is one line, and names the path
   */
  Object identity(String path) throws IOException;

  /**
   * Opens it.
   *
   * @throws IOException when that can't be; the message is one line, and names the path
   */
  BackingDevice open(String path) throws IOException;
}
