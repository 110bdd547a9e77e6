// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.Io;
import org.anabranch.block.Limits;
import org.anabranch.block.dm.PathOpener;
import org.anabranch.block.file.FileOpener;
import org.anabranch.server.base.Warning;
import org.anabranch.server.storage.file.FileBackend;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is said of files and of the room for them. */
@Timeout(60)
final class BackendConditionsTest {
  @TempDir private Path folder;

  private static BackendConditions conditions(OpenFiles files, long warnBelow) {
    return new BackendConditions(
        files,
        new Backends(List.of(new FileBackend())),
        address -> address.endsWith(".cow"),
        () -> warnBelow);
  }

  @Test
  void aFileSystemWithLittleSpaceMattersToSparseFiles() throws Exception {
    Path sparse = folder.resolve("sparse.img");
    Path whole = folder.resolve("whole.img");
    Path store = folder.resolve("a.cow");
    try (var file =
        Files.newByteChannel(
            sparse, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE))) {
      file.position(1 << 20).write(ByteBuffer.allocate(512));
    }
    Files.write(whole, new byte[1 << 20]);
    Files.copy(sparse, store);
    OpenFiles files = new OpenFiles(new FileOpener());
    BackingDevice wholeDevice = files.open(whole.toString());
    BackingDevice storeDevice = files.open(store.toString());
    assertThat(conditions(files, Long.MAX_VALUE).warnings()).as("nothing more is stored").isEmpty();
    BackingDevice sparseDevice = files.open(sparse.toString());
    assertThat(conditions(files, 0).warnings()).as("it has space").isEmpty();
    assertThat(conditions(files, Long.MAX_VALUE).warnings())
        .singleElement()
        .extracting(Warning::toString)
        .asString()
        .startsWith("file system of " + sparse + ": it has less than 8 EiB left; when it is full,");
    for (BackingDevice each : List.of(wholeDevice, storeDevice, sparseDevice)) {
      each.close().toCompletableFuture().join();
    }
    assertThat(conditions(files, Long.MAX_VALUE).warnings()).as("of closed files").isEmpty();
  }

  @Test
  void aFileWhoseSyncFailedIsAWarningWhileItIsOpen() throws Exception {
    Failed failed = new Failed();
    OpenFiles files =
        new OpenFiles(
            new PathOpener() {
              @Override
              public Object identity(String path) {
                return path;
              }

              @Override
              public BackingDevice open(String path) throws IOException {
                return failed;
              }
            });
    assertThat(files.open("/srv/vm1.img")).isSameAs(failed);
    assertThat(conditions(files, 0).warnings())
        .singleElement()
        .extracting(Warning::toString)
        .asString()
        .contains("file /srv/vm1.img: it is read-only since a sync failed", "the disk is gone");
    failed.failure = null;
    assertThat(conditions(files, 0).warnings()).isEmpty();
  }

  /** A device that only has a failure. */
  private static final class Failed implements BackingDevice {
    private @Nullable String failure = "the disk is gone";

    @Override
    public @Nullable String failure() {
      return failure;
    }

    @Override
    public Object identity() {
      return this;
    }

    @Override
    public CompletionStage<@Nullable Void> close() {
      return CompletableFuture.completedFuture(null);
    }

    @Override
    public String name() {
      return "failed";
    }

    @Override
    public long sectors() {
      return 8;
    }

    @Override
    public Limits limits() {
      throw new UnsupportedOperationException();
    }

    @Override
    public void submit(Io io) {
      throw new UnsupportedOperationException();
    }
  }
}
