// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.anabranch.scsi.reservation.ReservationStore;
import org.anabranch.scsi.reservation.SavedReservations;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Persistent reservations that survive a restart: {@code reservations/ID} in the state directory,
 * one small file for each logical unit that has some. One thread writes them, in order.
 */
public final class ReservationFiles implements ReservationStore, AutoCloseable {
  /** A unit has at most 1024 registrations, each a name of at most 223 bytes and two numbers. */
  private static final int MAX_BYTES = 1 << 20;

  private static final Logger log = LoggerFactory.getLogger(ReservationFiles.class);

  private final Path folder;
  private final ExecutorService writer =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().daemon().name("reservations").factory());

  /**
   * @param stateFolder of a server, which it owns
   */
  public ReservationFiles(Path stateFolder) {
    folder = stateFolder.resolve("reservations");
    writer.execute(() -> {}); // starts the thread, while the system has threads to give
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
    return file.exists() ? file.read(MAX_BYTES) : null;
  }

  @Override
  public void save(String unit, @Nullable String state, Consumer<@Nullable IOException> done) {
    writer.execute(() -> {
      IOException failure = null;
      try {
        if (state != null) {
          PrivateFolder.make(folder);
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

  /**
   * Takes over what an earlier version kept for each target on its own, when a unit is made: to the
   * unit belong the registrations of all its targets. What is taken over is deleted. Harmless when
   * there is nothing, or when it is done again.
   *
   * @param unit its name from now on
   * @param before the names that it had, by the relative port identifier of the target
   * @throws IOException if that can't be read or written; nothing is lost
   */
  public void takeOver(String unit, SortedMap<Integer, String> before) throws IOException {
    SortedMap<Integer, String> texts = new TreeMap<>();
    for (Map.Entry<Integer, String> old : before.entrySet()) {
      String text = load(old.getValue());
      if (text != null && SavedReservations.isOfOneTarget(text)) {
        texts.put(old.getKey(), text);
      }
    }
    if (texts.isEmpty()) {
      return;
    }
    String own = load(unit);
    try {
      SavedReservations kept =
          own == null || SavedReservations.isOfOneTarget(own)
              ? SavedReservations.NONE
              : SavedReservations.parse(own);
      file(unit).write(kept.with(texts).toString());
    } catch (IllegalArgumentException e) {
      throw new IOException(
          folder + ": the persistent reservations of unit " + unit + " are damaged", e);
    }
    for (int port : texts.keySet()) {
      String name = String.valueOf(before.get(port));
      if (!name.equals(unit)) {
        Files.deleteIfExists(file(name).path());
      }
    }
    DurableFile.syncFolder(folder);
    log.info(
        "persistent reservations of unit {}: taken over from {} of its targets",
        unit,
        texts.size());
  }

  /** The units that some are kept for. */
  public Set<String> units() throws IOException {
    if (!Files.exists(folder)) {
      return Set.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> String.valueOf(file.getFileName())).collect(Collectors.toSet());
    }
  }

  /** Waits for what is being saved. */
  @Override
  public void close() {
    writer.close();
  }
}
