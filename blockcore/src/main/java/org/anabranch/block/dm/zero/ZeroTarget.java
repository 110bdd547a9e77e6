// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm.zero;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.anabranch.block.Io;
import org.anabranch.block.Limits;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.dm.Target;
import org.anabranch.block.dm.TargetSpec;
import org.anabranch.block.dm.TargetType;

/**
 * {@code zero} - reads as zeros and discards what is written.
 *
 * <pre>
 * start length zero
 * </pre>
 *
 * <p><b>Arguments.</b> None.
 *
 * <p><b>Status.</b> Empty.
 *
 * <p><b>Refuses</b> any argument.
 *
 * <p><b>Failure modes.</b> None: everything succeeds. No storage backs any sector.
 */
public final class ZeroTarget implements Target {
  /** The source of the zeros for reads. */
  private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(65_536).asReadOnlyBuffer();

  private ZeroTarget() {}

  @Override
  public void map(Io io) {
    switch (io.op()) {
      case READ -> fill(io.data());
      case BLOCK_STATUS -> io.answer(false, io.sectors());
      case WRITE, FLUSH, DISCARD, WRITE_ZEROES -> {}
    }
    io.complete(null);
  }

  private static void fill(ByteBuffer data) {
    int end = data.limit();
    for (int at = data.position(); at < end; ) {
      int count = Math.min(end - at, ZEROS.capacity());
      data.put(at, ZEROS, 0, count);
      at += count;
    }
  }

  @Override
  public Limits limits() {
    return Limits.DEFAULT;
  }

  @Override
  public TargetSpec spec() {
    return new ZeroSpec();
  }

  /** {@code zero} in tables. */
  public static final class Type implements TargetType {
    @Override
    public String name() {
      return "zero";
    }

    @Override
    public String version() {
      return "v1.2.0";
    }

    @Override
    public ZeroSpec read(List<String> words, Function<String, DeviceRef> devices)
        throws TableException {
      if (!words.isEmpty()) {
        throw new TableException("No arguments required");
      }
      return new ZeroSpec();
    }

    @Override
    public CompletionStage<Target> create(Context context, TargetSpec spec) {
      return CompletableFuture.completedFuture(new ZeroTarget());
    }
  }
}
