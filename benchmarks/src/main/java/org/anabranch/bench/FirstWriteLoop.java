// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.anabranch.initiator.workload.LatencyHistogram;

/**
 * The minimum work of a first write, as a plain loop on files: for each write of {@code writes} it
 * reads the chunk, writes it to the store, syncs, writes a page with the record, syncs, and writes
 * the data.
 *
 * @param origin large enough for the writes
 * @param store will be overwritten
 * @param chunk bytes of a chunk
 */
record FirstWriteLoop(ScatteredWriteLoad writes, Path origin, Path store, int chunk)
    implements InterleavedRounds.Side {
  private static final int PAGE = 4096;

  @Override
  public Measurement run() throws IOException {
    ByteBuffer copy = ByteBuffer.allocateDirect(chunk);
    ByteBuffer record = ByteBuffer.allocateDirect(PAGE);
    ByteBuffer data = ByteBuffer.allocateDirect(writes.bytes());
    LatencyHistogram latency = new LatencyHistogram();
    try (FileChannel from =
            FileChannel.open(origin, StandardOpenOption.READ, StandardOpenOption.WRITE);
        FileChannel to =
            FileChannel.open(
                store,
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE,
                StandardOpenOption.TRUNCATE_EXISTING)) {
      to.write(ByteBuffer.allocate(1), (writes.count() + 2L) * chunk); // full length from the start
      long pid = ProcessHandle.current().pid();
      Usage.resetPeak(pid);
      Usage before = Usage.of(pid, 0);
      long begin = System.nanoTime();
      for (int i = 0; i < writes.count(); i++) {
        long started = System.nanoTime();
        long place = writes.place(i);
        from.read(copy.clear(), place / chunk * chunk);
        to.write(copy.flip(), (i + 2L) * chunk);
        to.force(false);
        to.write(record.clear(), chunk);
        to.force(false);
        from.write(data.clear(), place);
        latency.record(System.nanoTime() - started);
      }
      double rate = writes.count() * 1e9 / (System.nanoTime() - begin);
      return Measurement.of(
          rate, writes.bytes(), writes.count(), before, Usage.of(pid, 0), latency, 1);
    }
  }
}
