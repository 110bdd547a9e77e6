// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.anabranch.block.file.FileDevice;
import org.anabranch.block.file.FileOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A store that grows while the system has no threads to give. */
final class GrowingFileTest {
  @TempDir private Path folder;

  @Test
  void withoutAThreadItStaysAsItIsAndGrowsNextTime() throws Exception {
    AtomicBoolean none = new AtomicBoolean(true);
    FileDevice file = FileDevice.open("s", folder.resolve("s"), FileOptions.DEFAULT.withSectors(8));
    GrowingFile growing =
        new GrowingFile(
            file,
            bytes -> bytes + 4096,
            work -> {
              if (none.get()) {
                throw new OutOfMemoryError("unable to create native thread (on purpose)");
              }
              return Thread.ofPlatform().daemon().unstarted(work);
            });
    assertThat(growing.extendBeyond(8).toCompletableFuture().get(30, TimeUnit.SECONDS)).isFalse();
    none.set(false);
    assertThat(growing.extendBeyond(8).toCompletableFuture().get(30, TimeUnit.SECONDS)).isTrue();
    assertThat(growing.sectors()).isEqualTo(16);
    file.close().toCompletableFuture().get(30, TimeUnit.SECONDS);
  }
}
