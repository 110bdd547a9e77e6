// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import org.anabranch.scsi.ReservationStore;
import org.jspecify.annotations.Nullable;

/**
 * Persistent reservations that survive a restart: {@code reservations/SERIAL} in the state
 * directory, one small file for each logical unit that has some. One thread writes them, in order.
 */
public final class ReservationFiles implements ReservationStore, AutoCloseable {
  /** A unit has at most 1024 registrations, each a name of at most 223 bytes and two numbers. */
  private static final int MOST_BYTES = 1 << 20;

  private final Path folder;
  private final ExecutorService writer =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().daemon().name("reservations").factory());

  /**
   * @param stateFolder of a server, which it owns
   */
  public ReservationFiles(Path stateFolder) {
    folder = stateFolder.resolve("reservations");
  }

  private DurableFile file(String unit) {
    return new DurableFile(folder.resolve(unit));
  }

  @Override
  public boolean keeps() {
    return true;
  }

  @Override
  public @Nullable String load(String unit) throws IOException {
    DurableFile file = file(unit);
    return file.exists() ? file.read(MOST_BYTES) : null;
  }

  @Override
  public void save(String unit, @Nullable String state, Consumer<@Nullable IOException> done) {
    writer.execute(() -> {
      IOException failure = null;
      try {
        if (state != null) {
          Files.createDirectories(folder);
          file(unit).write(state);
        } else if (Files.deleteIfExists(file(unit).path())) {
          DurableFile.syncFolder(folder);
        }
      } catch (IOException e) {
        failure = e;
      }
      done.accept(failure);
    });
  }

  /** Waits for what is being saved. */
  @Override
  public void close() {
    writer.close();
  }
}
