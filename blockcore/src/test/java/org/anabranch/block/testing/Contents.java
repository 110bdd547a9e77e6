// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.testing;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoLatch;

/** Reads and writes of a device that wait for their end, and data to write. */
public final class Contents {
  private static final int SECTOR = 512;

  private Contents() {}

  /** So many sectors of random bytes in a direct buffer; equal for equal seeds. */
  public static ByteBuffer random(int sectors, long seed) {
    byte[] bytes = new byte[sectors * SECTOR];
    new Random(seed).nextBytes(bytes);
    return ByteBuffer.allocateDirect(bytes.length).put(0, bytes);
  }

  /** Reads into a direct buffer. */
  public static ByteBuffer read(BlockDevice device, long sector, int sectors) throws IOException {
    ByteBuffer data = ByteBuffer.allocateDirect(sectors * SECTOR);
    IoLatch.await(device, done -> Io.read(sector, data, done));
    return data;
  }

  public static void write(BlockDevice device, long sector, ByteBuffer data) throws IOException {
    IoLatch.await(device, done -> Io.write(sector, data, false, done));
  }

  public static void flush(BlockDevice device) throws IOException {
    IoLatch.await(device, Io::flush);
  }

  public static void close(BackingDevice device) throws Exception {
    device.close().toCompletableFuture().get(60, TimeUnit.SECONDS);
  }
}
