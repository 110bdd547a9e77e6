// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.testing.TestDevice;
import org.jspecify.annotations.Nullable;

/** A {@link TestDevice} that can be closed, at once or when the test says so. */
final class ManualDisk extends TestDevice implements BackingDevice {
  final CompletableFuture<@Nullable Void> closed = new CompletableFuture<>();
  boolean closeWaits;
  int closes;

  ManualDisk(String name, int sectors) {
    super(name, sectors);
  }

  @Override
  public Object identity() {
    return name();
  }

  @Override
  public CompletionStage<@Nullable Void> close() {
    closes++;
    if (!closeWaits) {
      closed.complete(null);
    }
    return closed;
  }
}
