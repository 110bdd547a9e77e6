// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import org.anabranch.block.BlockDevice;
import org.jspecify.annotations.Nullable;

/** A device that is open outside of tables, for instance as a logical unit. */
public final class OpenDevice implements AutoCloseable {
  private final Devices devices;
  private final BlockDevice device;
  private final AtomicBoolean closed = new AtomicBoolean();

  OpenDevice(Devices devices, BlockDevice device) {
    this.devices = devices;
    this.device = device;
  }

  /** Usable until {@link #release}. A mapped device stays the same object over changes of table. */
  public BlockDevice device() {
    return device;
  }

  /**
   * Closes the device, so that it can be removed. Done when a file that is not open elsewhere is
   * durable and closed. A second call does nothing.
   */
  public CompletionStage<@Nullable Void> release() {
    return closed.compareAndSet(false, true)
        ? devices.release(device, null)
        : CompletableFuture.completedFuture(null);
  }

  /** Calls {@link #release} and does not wait for it. */
  @Override
  public void close() {
    release();
  }
}
