// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * What a file held since its last sync, and so what a power cut may bring back: of each sector of
 * 512 bytes anything that was written to it since then, and any length that the file had. Any
 * thread; its lock is held while the file changes, so that both change together.
 */
public final class UnsyncedContents {
  private static final int SECTOR = 512;

  /** Reads a sector of the file as it is now; zeros behind its end. */
  @FunctionalInterface
  public interface Sectors {
    byte[] read(long sector) throws IOException;
  }

  /** Changes the file. */
  @FunctionalInterface
  public interface Change<T> {
    T run() throws IOException;
  }

  /** What sectors held, the oldest first. Guarded by this. */
  private final Map<Long, List<byte[]>> versions = new TreeMap<>();

  /** Guarded by this. */
  private final List<Long> lengths = new ArrayList<>();

  /** Changes bytes of the file, and remembers what they were. */
  public synchronized <T> T change(long offset, long length, Sectors now, Change<T> change)
      throws IOException {
    for (long sector = offset / SECTOR; sector * SECTOR < offset + length; sector++) {
      versions.computeIfAbsent(sector, s -> new ArrayList<>(2)).add(now.read(sector));
    }
    return change.run();
  }

  /** The file is about to get another length. */
  public synchronized void lengthWas(long length) {
    lengths.add(length);
  }

  /** Everything is durable. */
  public synchronized void synced() {
    versions.clear();
    lengths.clear();
  }

  /** These bytes are durable, as after a write with FUA. */
  public synchronized void synced(long offset, long length) {
    for (long sector = offset / SECTOR; sector * SECTOR < offset + length; sector++) {
      versions.remove(sector);
    }
  }

  /**
   * Takes from a copy of the file what the power takes.
   *
   * @return the sectors that are not as they were last written
   */
  public synchronized int strike(Path copy, SplittableRandom random) throws IOException {
    int lost = 0;
    boolean all = random.nextInt(3) == 0; // the cache had written back nothing
    try (RandomAccessFile file = new RandomAccessFile(copy.toString(), "rw")) {
      for (Map.Entry<Long, List<byte[]>> each : versions.entrySet()) {
        List<byte[]> old = each.getValue();
        int which = all ? 0 : random.nextInt(old.size() + 1);
        if (which < old.size()) {
          long end = file.length();
          long at = each.getKey() * SECTOR;
          if (at < end) {
            file.seek(at);
            file.write(old.get(which), 0, (int) Math.min(SECTOR, end - at));
            lost++;
          }
        }
      }
      int which = all || lengths.isEmpty() ? 0 : random.nextInt(lengths.size() + 1);
      if (which < lengths.size()) {
        file.setLength(lengths.get(which));
      }
    }
    return lost;
  }
}
