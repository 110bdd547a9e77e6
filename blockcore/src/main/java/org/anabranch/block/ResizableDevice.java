// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** A backing device whose length can change while it is open. Any thread. */
public interface ResizableDevice extends BackingDevice {
  /**
   * Gives the device another length, durably. What is new reads as zeros, unless the storage behind
   * the device had grown already. What a shorter device loses is lost: nobody may use it any more.
   *
   * <p>Fails with an {@link java.io.IOException} if the device cannot have this length; its old one
   * stays.
   *
   * @param newSectors 1 or more
   */
  CompletionStage<@Nullable Void> resize(long newSectors);
}
