// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * The files that become devices from now on, as a drive with a volatile cache: what the power takes
 * back is, of each sector of 512 bytes, anything that was written to it since the last sync, down
 * to what it had at that sync. Lengths and names are kept, unless a {@link Gate} has them. For the
 * whole process, until it is closed; any thread.
 */
public final class CrashFiles implements AutoCloseable {
  private static final int SECTOR = 512;

  /** What stands before everything that changes a file or makes it durable. Any thread. */
  public interface Gate {
    /** What a file held since its last sync. */
    UnsyncedContents contents(Path file);

    /** Makes the change, when it may be made. */
    <T> T pass(String what, UnsyncedContents.Change<T> change) throws IOException;

    /** Something of a file has become durable, which {@code durable} notes. */
    default void synced(Path file, Runnable durable) {
      durable.run();
    }

    /** A file is about to get another length. */
    default void resizing(Path file, long before) {}
  }

  /** Held for reading by whatever changes a file, and for writing while the world stands still. */
  private final ReentrantReadWriteLock world = new ReentrantReadWriteLock();

  private final Map<Path, CrashFile> files = new ConcurrentHashMap<>();
  private final boolean lies;
  private final Gate gate;

  private CrashFiles(boolean lies) {
    this.lies = lies;
    this.gate = new World();
  }

  private CrashFiles(Gate gate) {
    this.lies = false;
    this.gate = gate;
  }

  private final class World implements Gate {
    @Override
    public UnsyncedContents contents(Path file) {
      return new UnsyncedContents();
    }

    @Override
    public <T> T pass(String what, UnsyncedContents.Change<T> change) throws IOException {
      world.readLock().lock();
      try {
        return change.run();
      } finally {
        world.readLock().unlock();
      }
    }
  }

  /** From now on all files are such ones. */
  public static CrashFiles install() {
    return install(new CrashFiles(false));
  }

  /** The same, and a sync does nothing. */
  public static CrashFiles installLying() {
    return install(new CrashFiles(true));
  }

  /** The same, and {@code gate} knows what is durable. */
  public static CrashFiles install(Gate gate) {
    return install(new CrashFiles(gate));
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
          lost += each.getValue().unsynced.strike(copy, random);
        }
      }
    }
    return lost;
  }

  private RawFile file(Path path, RawFile below) {
    Path absolute = path.toAbsolutePath();
    CrashFile file = new CrashFile(below, absolute, gate.contents(absolute));
    files.put(absolute, file);
    return file;
  }

  @Override
  public void close() {
    FileOpening.layer((path, file) -> file);
  }

  private final class CrashFile implements RawFile {
    private final RawFile below;
    private final Path path;
    private final UnsyncedContents unsynced;

    CrashFile(RawFile below, Path path, UnsyncedContents unsynced) {
      this.below = below;
      this.path = path;
      this.unsynced = unsynced;
    }

    private interface Change {
      int run() throws IOException;
    }

    /** Changes bytes of the file, and remembers what they were. */
    private int change(long offset, long length, boolean durable, Change change)
        throws IOException {
      return gate.pass(
          path + " changed",
          () -> {
            int result = unsynced.change(offset, length, this::sector, change::run);
            if (durable && !lies && result == length) {
              gate.synced(path, () -> unsynced.synced(offset, length));
            }
            return result;
          });
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
      var _ =
          gate.pass(
              path + " synced",
              () -> {
                if (!lies) {
                  gate.synced(path, unsynced::synced);
                }
                return 0;
              });
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
      var _ =
          gate.pass(
              path + " resized",
              () -> {
                gate.resizing(path, below.size());
                below.resize(newSize);
                return 0;
              });
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
