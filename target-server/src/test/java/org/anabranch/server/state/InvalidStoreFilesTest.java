// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.anabranch.block.file.FileDevice;
import org.anabranch.block.file.FileOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The record of an invalid store while the system has no threads to give. */
final class InvalidStoreFilesTest {
  @TempDir private Path folder;

  private static boolean contains(InvalidStoreFiles files, FileDevice cow) throws Exception {
    return files.contains(cow).toCompletableFuture().get(30, TimeUnit.SECONDS);
  }

  @Test
  void withoutAThreadItFailsAndIsTriedAgain() throws Exception {
    AtomicBoolean none = new AtomicBoolean(true);
    InvalidStoreFiles files =
        new InvalidStoreFiles(
            folder,
            work -> {
              if (none.get()) {
                throw new OutOfMemoryError("unable to create native thread (on purpose)");
              }
              return Thread.ofPlatform().daemon().unstarted(work);
            });
    FileDevice cow = FileDevice.open("s", folder.resolve("s"), FileOptions.DEFAULT.withSectors(8));
    assertThat(files.add(cow).toCompletableFuture()).isCompletedExceptionally();
    assertThat(files.contains(cow).toCompletableFuture()).isCompletedExceptionally();
    none.set(false);
    assertThat(contains(files, cow)).isFalse();
    files.add(cow).toCompletableFuture().get(30, TimeUnit.SECONDS);
    assertThat(contains(files, cow)).isTrue();
    cow.close().toCompletableFuture().get(30, TimeUnit.SECONDS);
  }
}
