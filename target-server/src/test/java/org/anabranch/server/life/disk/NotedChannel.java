// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.life.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;

/** A channel whose changes and syncs a {@link CrashDisk} notes. */
final class NotedChannel extends FileChannel {
  /** What the disk does at a change or a sync of the channel's file. */
  interface Noted {
    int write(long offset, int length, FileChannel below, Write write) throws IOException;

    void truncate(FileChannel below, long size) throws IOException;

    void sync() throws IOException;
  }

  /** Writes. */
  interface Write {
    int run() throws IOException;
  }

  private final FileChannel below;
  private final Noted noted;

  NotedChannel(FileChannel below, Noted noted) {
    this.below = below;
    this.noted = noted;
  }

  @Override
  public int read(ByteBuffer data) throws IOException {
    return below.read(data);
  }

  @Override
  public long read(ByteBuffer[] data, int offset, int length) throws IOException {
    return below.read(data, offset, length);
  }

  @Override
  public int read(ByteBuffer data, long position) throws IOException {
    return below.read(data, position);
  }

  @Override
  public int write(ByteBuffer data) throws IOException {
    return noted.write(below.position(), data.remaining(), below, () -> below.write(data));
  }

  @Override
  public long write(ByteBuffer[] data, int offset, int length) throws IOException {
    long written = 0;
    for (int i = offset; i < offset + length; i++) {
      written += write(data[i]);
    }
    return written;
  }

  @Override
  public int write(ByteBuffer data, long position) throws IOException {
    return noted.write(position, data.remaining(), below, () -> below.write(data, position));
  }

  @Override
  public long position() throws IOException {
    return below.position();
  }

  @Override
  public FileChannel position(long position) throws IOException {
    below.position(position);
    return this;
  }

  @Override
  public long size() throws IOException {
    return below.size();
  }

  @Override
  public FileChannel truncate(long size) throws IOException {
    noted.truncate(below, size);
    return this;
  }

  @Override
  public void force(boolean metaData) throws IOException {
    noted.sync();
  }

  @Override
  public long transferTo(long position, long count, WritableByteChannel target) throws IOException {
    return below.transferTo(position, count, target);
  }

  @Override
  public long transferFrom(ReadableByteChannel source, long position, long count) {
    throw new UnsupportedOperationException("it would not be noted");
  }

  @Override
  public MappedByteBuffer map(MapMode mode, long position, long size) throws IOException {
    if (!mode.equals(MapMode.READ_ONLY)) {
      throw new UnsupportedOperationException("it would not be noted");
    }
    return below.map(mode, position, size);
  }

  @Override
  public FileLock lock(long position, long size, boolean shared) throws IOException {
    return below.lock(position, size, shared);
  }

  @Override
  public FileLock tryLock(long position, long size, boolean shared) throws IOException {
    return below.tryLock(position, size, shared);
  }

  @Override
  protected void implCloseChannel() throws IOException {
    below.close();
  }
}
