// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm.error;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.anabranch.block.dm.Area;
import org.anabranch.block.dm.AreaSpec;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.dm.Target;
import org.anabranch.block.dm.TargetSpec;
import org.anabranch.block.dm.TargetType;
import org.jspecify.annotations.Nullable;

/**
 * {@code error} - fails every request for data.
 *
 * <pre>
 * start length error [device offset]
 * </pre>
 *
 * <p><b>Arguments.</b> {@code device offset}: an area whose limits (block sizes) the target takes.
 * Its device is held open, but never accessed.
 *
 * <p><b>Status.</b> Empty.
 *
 * <p><b>Refuses</b> any other number of arguments, and an area as {@code linear} does.
 *
 * <p><b>Failure modes.</b> Reads, writes, discards and zeroes fail with {@link IoError.Kind#IO}. So
 * do block status requests, because a hole would read as zeros, which this target does not. These
 * errors are intended and not logged. A flush succeeds, as under Linux: there is nothing to flush.
 */
public final class ErrorTarget implements Target {
  private final @Nullable Area area;

  private ErrorTarget(@Nullable Area area) {
    this.area = area;
  }

  @Override
  public void map(Io io) {
    switch (io.op()) {
      case FLUSH -> io.complete(null);
      case BLOCK_STATUS, READ, WRITE, WRITE_ZEROES, DISCARD ->
          io.complete(IoError.io(io.sector(), "error target", null));
    }
  }

  @Override
  public Limits limits() {
    return area == null ? Limits.DEFAULT : area.device().limits();
  }

  @Override
  public TargetSpec spec() {
    return new ErrorSpec(area == null ? null : area.spec());
  }

  /** {@code error} in tables. */
  public static final class Type implements TargetType {
    @Override
    public String name() {
      return "error";
    }

    @Override
    public String version() {
      return "v1.7.0";
    }

    @Override
    public ErrorSpec read(List<String> words, Function<String, DeviceRef> devices)
        throws TableException {
      if (!words.isEmpty() && words.size() != 2) {
        throw new TableException("Invalid argument count: nothing, or device and offset");
      }
      return new ErrorSpec(
          words.isEmpty() ? null : AreaSpec.read(words.get(0), words.get(1), devices));
    }

    @Override
    public CompletionStage<Target> create(Context context, TargetSpec spec) throws TableException {
      AreaSpec area = ((ErrorSpec) spec).area();
      return CompletableFuture.completedFuture(
          new ErrorTarget(area == null ? null : Area.open(context, area)));
    }
  }
}
