// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.backup;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.SortedMap;
import java.util.TreeMap;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Version;
import org.anabranch.server.state.Changes;
import org.anabranch.server.state.StateDirectory;
import org.jspecify.annotations.Nullable;

/** Makes backups of state directories. */
public final class StateBackup {
  private static final long MAX_BYTES = 512L << 20;

  private StateBackup() {}

  /**
   * Of a server that runs: no change is under way meanwhile. What is recorded at logins and by
   * persistent reservations can change between two files; each file is whole.
   */
  public static byte[] of(Path folder, Changes changes) throws RefusedException {
    changes.lock();
    try {
      return read(folder);
    } finally {
      changes.unlock();
    }
  }

  /**
   * Of a folder that no server uses.
   *
   * @throws RefusedException when one does, or there is no state
   */
  public static byte[] offline(Path folder) throws RefusedException {
    if (!Files.isDirectory(folder)) {
      throw new RefusedException(
          folder + " is no state directory: there is no such folder; name it with --state-dir");
    }
    try (StateDirectory.Lock _ = StateDirectory.lock(folder)) {
      return read(folder);
    }
  }

  /** The bytes of a file; null if it was deleted just now, as when a reservation is given up. */
  private static byte @Nullable [] contents(Path file) throws IOException {
    try {
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  private static byte[] read(Path folder) throws RefusedException {
    try {
      SortedMap<String, byte[]> files = new TreeMap<>();
      long total = 0;
      for (String name : StateFiles.in(folder)) {
        byte[] data = contents(folder.resolve(name));
        if (data != null) {
          files.put(name, data);
          total += data.length;
        }
        if (total > MAX_BYTES) {
          throw new RefusedException(folder + " has more than " + MAX_BYTES + " bytes of state");
        }
      }
      if (files.isEmpty()) {
        throw new RefusedException(
            folder + " has no state of a server in it; name another folder with --state-dir");
      }
      Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
      String dir = folder.toAbsolutePath().normalize().toString();
      return new StateArchive(now, Version.number(), dir, files).text();
    } catch (IOException e) {
      throw new RefusedException(StateDirectory.reason(e), e);
    }
  }
}
