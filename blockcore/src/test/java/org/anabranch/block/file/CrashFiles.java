// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * The files that become devices from now on, as a drive with a volatile cache: what the power takes
 * back is, of each sector of 512 bytes, anything that was written to it since the last sync, down
 * to what it had at that sync. Lengths and names are kept. For the whole process, until it is
 * closed; any thread.
 */
public final class CrashFiles implements AutoCloseable {
  private static final int SECTOR = 512;

  /** Held for reading by whatever changes a file, and for writing while the world stands still. */
  private final ReentrantReadWriteLock world = new ReentrantReadWriteLock();

  private final Map<Path, CrashFile> files = new ConcurrentHashMap<>();
  private final boolean lies;

  private CrashFiles(boolean lies) {
    this.lies = lies;
  }

  /** From now on all files are such ones. */
  public static CrashFiles install() {
    return install(new CrashFiles(false));
  }

  /** The same, and a sync does nothing. */
  public static CrashFiles installLying() {
    return install(new CrashFiles(true));
  }

  private static CrashFiles install(CrashFiles files) {
    FileOpening.layer(files::file);
    return files;
  }

  /** Lets nothing change any file, until {@link #thaw}. */
  public void freeze() {
    world.writeLock().lock();
  }

  /** Ends {@link #freeze}; the same thread. */
  public void thaw() {
    world.writeLock().unlock();
  }

  /** A step of something else that must not happen while the files stand still. */
  public void step() {
    world.readLock().lock();
    try {
      assert !world.isWriteLocked();
    } finally {
      world.readLock().unlock();
    }
  }

  /**
   * Takes from copies of the files what the power takes. While they are frozen.
   *
   * @param from the folder of the files
   * @param to the folder of the copies
   * @return the sectors that are not as they were last written
   */
  public int strike(Path from, Path to, SplittableRandom random) throws IOException {
    int lost = 0;
    for (Map.Entry<Path, CrashFile> each : files.entrySet()) {
      if (each.getKey().startsWith(from)) {
        Path copy = to.resolve(from.relativize(each.getKey()));
        if (copy.toFile().exists()) {
          lost += each.getValue().strike(copy, random);
        }
      }
    }
    return lost;
  }

  private RawFile file(Path path, RawFile below) {
    CrashFile file = new CrashFile(below, path.toAbsolutePath());
    files.put(path.toAbsolutePath(), file);
    return file;
  }

  @Override
  public void close() {
    FileOpening.layer((path, file) -> file);
  }

  private final class CrashFile implements RawFile {
    private final RawFile below;
    private final Path path;

    /** What sectors held since the last sync, the oldest first. Guarded by itself. */
    private final Map<Long, List<byte[]>> versions = new TreeMap<>();

    CrashFile(RawFile below, Path path) {
      this.below = below;
      this.path = path;
    }

    int strike(Path copy, SplittableRandom random) throws IOException {
      int lost = 0;
      boolean all = random.nextInt(3) == 0; // the cache had written back nothing
      synchronized (versions) {
        try (RandomAccessFile file = new RandomAccessFile(copy.toFile(), "rw")) {
          for (Map.Entry<Long, List<byte[]>> each : versions.entrySet()) {
            List<byte[]> old = each.getValue();
            int which = all ? 0 : random.nextInt(old.size() + 1);
            if (which < old.size() && each.getKey() * SECTOR < file.length()) {
              file.seek(each.getKey() * SECTOR);
              file.write(old.get(which));
              lost++;
            }
          }
        }
      }
      return lost;
    }

    private interface Change {
      int run() throws IOException;
    }

    /** Changes bytes of the file, and remembers what they were. */
    private int change(long offset, long length, boolean durable, Change change)
        throws IOException {
      world.readLock().lock();
      try {
        synchronized (versions) {
          long first = offset / SECTOR;
          long last = (offset + length - 1) / SECTOR;
          for (long sector = first; sector <= last; sector++) {
            List<byte[]> old = versions.computeIfAbsent(sector, s -> new ArrayList<>(2));
            old.add(sector(sector));
          }
          int result = change.run();
          if (durable && !lies && result == length) {
            for (long sector = first; sector <= last; sector++) {
              versions.remove(sector);
            }
          }
          return result;
        }
      } finally {
        world.readLock().unlock();
      }
    }

    private byte[] sector(long number) throws IOException {
      ByteBuffer data = ByteBuffer.allocateDirect(SECTOR);
      while (data.hasRemaining()) {
        int count = below.read(data, number * SECTOR + data.position());
        if (count <= 0) {
          break; // behind the end: zeros
        }
        data.position(data.position() + count);
      }
      byte[] bytes = new byte[SECTOR];
      data.clear().get(bytes);
      return bytes;
    }

    @Override
    public int readNow(ByteBuffer data, long offset) {
      return below.readNow(data, offset);
    }

    /** Remembering may block. */
    @Override
    public boolean isQuick(ByteBuffer data, long offset) {
      return false;
    }

    @Override
    public int writeNow(ByteBuffer data, long offset) {
      return NOT_NOW;
    }

    @Override
    public int read(ByteBuffer data, long offset) throws IOException {
      return below.read(data, offset);
    }

    @Override
    public int write(ByteBuffer data, long offset, boolean durable) throws IOException {
      return change(offset, data.remaining(), durable, () -> below.write(data, offset, false));
    }

    @Override
    public void sync() throws IOException {
      world.readLock().lock();
      try {
        synchronized (versions) {
          if (!lies) {
            versions.clear();
          }
        }
      } finally {
        world.readLock().unlock();
      }
    }

    @Override
    public void punchHole(long offset, long length) throws IOException {
      int _ =
          change(
              offset,
              length,
              false,
              () -> {
                below.punchHole(offset, length);
                return 0;
              });
    }

    @Override
    public void zeroRange(long offset, long length) throws IOException {
      int _ =
          change(
              offset,
              length,
              false,
              () -> {
                below.zeroRange(offset, length);
                return 0;
              });
    }

    @Override
    public long nextData(long offset) throws IOException {
      return below.nextData(offset);
    }

    @Override
    public long nextHole(long offset) throws IOException {
      return below.nextHole(offset);
    }

    @Override
    public long size() throws IOException {
      return below.size();
    }

    @Override
    public int links() throws IOException {
      return below.links();
    }

    @Override
    public void resize(long newSize) throws IOException {
      world.readLock().lock();
      try {
        below.resize(newSize);
      } finally {
        world.readLock().unlock();
      }
    }

    @Override
    public boolean tryLock(boolean shared) throws IOException {
      return below.tryLock(shared);
    }

    @Override
    public void close() throws IOException {
      files.remove(path, this);
      below.close();
    }

    @Override
    public String toString() {
      return "what the power may take back of " + path;
    }
  }
}
