// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Persistent reservations as one small text file for each unit. A file is replaced as a whole:
 * written beside, synced, renamed, and the folder synced, so that a power cut leaves the old state
 * or the new one.
 */
public final class ReservationFiles implements ReservationStore {
  private static final String SUFFIX = ".reservations";

  private final Path folder;
  private final Executor blocking;

  /**
   * @param folder must exist
   * @param blocking runs tasks that block, one at a time and in order
   */
  public ReservationFiles(Path folder, Executor blocking) {
    this.folder = folder;
    this.blocking = blocking;
  }

  @Override
  public boolean keeps() {
    return true;
  }

  @Override
  public @Nullable String load(String unit) throws IOException {
    Path file = folder.resolve(unit + SUFFIX);
    return Files.exists(file) ? Files.readString(file) : null;
  }

  @Override
  public void save(String unit, @Nullable String state, Consumer<@Nullable IOException> done) {
    blocking.execute(() -> {
      IOException failure = null;
      try {
        if (state == null) {
          Files.deleteIfExists(folder.resolve(unit + SUFFIX));
        } else {
          replace(unit, state);
        }
        sync(folder);
      } catch (IOException e) {
        failure = e;
      }
      done.accept(failure);
    });
  }

  private void replace(String unit, String state) throws IOException {
    Path beside = folder.resolve(unit + SUFFIX + ".new");
    try (FileChannel channel =
        FileChannel.open(
            beside,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING)) {
      ByteBuffer bytes = ByteBuffer.wrap(state.getBytes(StandardCharsets.UTF_8));
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(true);
    }
    Files.move(beside, folder.resolve(unit + SUFFIX), StandardCopyOption.ATOMIC_MOVE);
  }

  private static void sync(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
