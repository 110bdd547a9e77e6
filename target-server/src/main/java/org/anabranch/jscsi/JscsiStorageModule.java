// SPDX-License-Identifier: Apache-2.0
package org.anabranch.jscsi;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoLatch;
import org.jscsi.target.storage.IStorageModule;

/**
 * A block device as the storage of a stock jSCSI {@code TargetServer}.
 *
 * <p>jSCSI calls from a connection's thread, which waits here; it asks for any bytes, since it cuts
 * a transfer by the initiator's segment length, which need not be a multiple of a sector. So a
 * range is widened to whole sectors, and a write of less than that reads first. {@link #close},
 * which jSCSI calls when a session ends, makes the data durable and leaves the device to its owner.
 *
 * <p>{@link #getSizeInBlocks} is one less than the device's length: jSCSI 2.5.2 returns it from
 * READ CAPACITY as the <em>last</em> block's address, and so tells initiators of a block that is
 * not there. (Its only other use is the block descriptor of MODE SENSE, which no host relies on.)
 */
public final class JscsiStorageModule implements IStorageModule {
  /** jSCSI has no I/O larger than a burst; this is what a burst may be at most. */
  private static final int MAX_BYTES = 1 << 24;

  private static final int SECTOR = 512;

  private final BlockDevice device;

  public JscsiStorageModule(BlockDevice device) {
    this.device = device;
  }

  /** 0: inside; 1: the address is beyond the end; 2: the range is. */
  @Override
  public int checkBounds(long logicalBlockAddress, int transferLengthInBlocks) {
    long sectors = device.sectors();
    if (logicalBlockAddress < 0 || logicalBlockAddress >= sectors) {
      return 1;
    }
    return transferLengthInBlocks < 0 || transferLengthInBlocks > sectors - logicalBlockAddress
        ? 2
        : 0;
  }

  /** The last block's address: see the class. */
  @Override
  public long getSizeInBlocks() {
    return device.sectors() - 1;
  }

  @Override
  public void read(byte[] bytes, long storageIndex) throws IOException {
    ByteBuffer data = sectors(bytes.length, storageIndex);
    IoLatch.await(device, done -> Io.read(storageIndex / SECTOR, data, done));
    data.get((int) (storageIndex % SECTOR), bytes);
  }

  /** One at a time, so that two that share a sector lose nothing. */
  @Override
  public synchronized void write(byte[] bytes, long storageIndex) throws IOException {
    ByteBuffer data = sectors(bytes.length, storageIndex);
    if (data.remaining() != bytes.length) {
      IoLatch.await(device, done -> Io.read(storageIndex / SECTOR, data, done));
    }
    data.put((int) (storageIndex % SECTOR), bytes);
    IoLatch.await(device, done -> Io.write(storageIndex / SECTOR, data, false, done));
  }

  @Override
  public void close() throws IOException {
    IoLatch.await(device, Io::flush);
  }

  private static ByteBuffer sectors(int length, long storageIndex) throws IOException {
    if (storageIndex < 0 || length > MAX_BYTES) {
      throw new IOException(length + " bytes at " + storageIndex);
    }
    long first = storageIndex / SECTOR;
    long end = Math.ceilDiv(storageIndex + length, SECTOR);
    return ByteBuffer.allocateDirect(Math.toIntExact((end - first) * SECTOR));
  }
}
