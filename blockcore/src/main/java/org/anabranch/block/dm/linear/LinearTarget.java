// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm.linear;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.anabranch.block.Io;
import org.anabranch.block.Limits;
import org.anabranch.block.dm.Area;
import org.anabranch.block.dm.AreaSpec;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.dm.Target;
import org.anabranch.block.dm.TargetSpec;
import org.anabranch.block.dm.TargetType;

/**
 * {@code linear} - maps a range to an equally long one of another device.
 *
 * <pre>
 * start length linear device offset
 * </pre>
 *
 * <p><b>Arguments.</b> {@code device}: the name of a mapped device or volume, or a path. {@code
 * offset}: first sector on it.
 *
 * <p><b>Status.</b> Empty.
 *
 * <p><b>Refuses</b> any other number of arguments, a device that does not exist, and an area that
 * exceeds the device or is not aligned to its logical blocks.
 *
 * <p><b>Failure modes.</b> None of its own: it passes on the result of the device below. A flush
 * flushes the whole device below.
 */
public final class LinearTarget implements Target {
  private final Area area;

  private LinearTarget(Area area) {
    this.area = area;
  }

  @Override
  public void map(Io io) {
    area.submit(io);
  }

  @Override
  public Limits limits() {
    return area.device().limits();
  }

  @Override
  public TargetSpec spec() {
    return new LinearSpec(area.spec());
  }

  /** {@code linear} in tables. */
  public static final class Type implements TargetType {
    @Override
    public String name() {
      return "linear";
    }

    @Override
    public String version() {
      return "v1.5.0";
    }

    @Override
    public LinearSpec read(List<String> words, Function<String, DeviceRef> devices)
        throws TableException {
      if (words.size() != 2) {
        throw new TableException("Invalid argument count: device and offset are wanted");
      }
      return new LinearSpec(AreaSpec.read(words.get(0), words.get(1), devices));
    }

    @Override
    public CompletionStage<Target> create(Context context, TargetSpec spec) throws TableException {
      Area area = Area.open(context, ((LinearSpec) spec).area());
      return CompletableFuture.completedFuture(new LinearTarget(area));
    }
  }
}
