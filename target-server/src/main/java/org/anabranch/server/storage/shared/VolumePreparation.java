// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage.shared;

import org.anabranch.block.SharedDevice;
import org.anabranch.server.base.RefusedException;

/** See {@link SharedDevice.Preparation}. */
@FunctionalInterface
public interface VolumePreparation {
  /**
   * Prepares a volume that this server has got, before it is active. May wait.
   *
   * @param open lets requests through to its image
   * @throws RefusedException when it cannot be served here; its image is given back
   */
  void prepare(String volume, Runnable open) throws RefusedException;
}
