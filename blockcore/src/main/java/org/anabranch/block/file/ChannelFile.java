// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import org.anabranch.block.IoError;

/**
 * A file accessed through the JDK's channel, for machines without {@link Linux}. It cannot read
 * without blocking, and can neither punch nor find holes.
 *
 * <p>A channel closes itself when a thread that uses it is interrupted. So each call clears the
 * interrupt flag first: it can only come from outside, and none of these calls may be aborted.
 */
final class ChannelFile implements RawFile {
  private final Path path;
  private final FileChannel channel;
  private final boolean regular;

  ChannelFile(Path path, boolean readOnly) throws IOException {
    this.path = path;
    this.regular = Files.isRegularFile(path);
    Thread.interrupted();
    this.channel =
        FileChannel.open(
            path,
            readOnly
                ? Set.of(StandardOpenOption.READ)
                : Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE));
  }

  @Override
  public int readNow(ByteBuffer data, long offset) {
    return NOT_NOW;
  }

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
    Thread.interrupted();
    return Math.max(0, channel.read(data.duplicate(), offset)); // -1 at the end
  }

  @Override
  public int write(ByteBuffer data, long offset, boolean durable) throws IOException {
    Thread.interrupted();
    int count = channel.write(data.duplicate(), offset);
    if (durable) {
      sync();
    }
    return count;
  }

  @Override
  public void sync() throws IOException {
    Thread.interrupted();
    channel.force(false);
  }

  @Override
  public void punchHole(long offset, long length) throws IOException {
    throw new FileError(IoError.Kind.NOT_SUPPORTED, path + ": no holes without native calls");
  }

  @Override
  public void zeroRange(long offset, long length) throws IOException {
    throw new FileError(IoError.Kind.NOT_SUPPORTED, path + ": no zeroing without native calls");
  }

  @Override
  public long nextData(long offset) {
    return offset;
  }

  @Override
  public long nextHole(long offset) throws IOException {
    return Math.max(offset, size());
  }

  @Override
  public long size() throws IOException {
    Thread.interrupted();
    return channel.size();
  }

  @Override
  public int links() {
    return 1; // a channel cannot tell, and another file may have the path by now
  }

  @Override
  public void resize(long newSize) throws IOException {
    Thread.interrupted();
    if (regular && newSize > channel.size()) {
      channel.write(ByteBuffer.allocate(1), newSize - 1);
    } else if (regular) {
      channel.truncate(newSize);
    }
  }

  @Override
  public boolean tryLock(boolean shared) throws IOException {
    Thread.interrupted();
    try {
      return channel.tryLock(0, Long.MAX_VALUE, shared) != null;
    } catch (OverlappingFileLockException e) {
      return false;
    }
  }

  @Override
  public void close() throws IOException {
    Thread.interrupted();
    channel.close();
  }
}
