// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm.linear;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.Io;
import org.anabranch.block.Limits;
import org.anabranch.block.dm.Area;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.dm.Target;
import org.anabranch.block.dm.TargetType;

/**
 * {@code linear} - a stretch of another device, one to one.
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
 * <p><b>Refuses</b> another number of arguments, a device that does not exist, an area that goes
 * beyond the device's end or does not begin on its logical blocks.
 *
 * <p><b>Failure modes.</b> None of its own: a request ends as the device below ends it. A flush
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
  public String table() {
    return area.toString();
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
    public CompletionStage<Target> create(Context context, List<String> arguments) {
      try {
        if (arguments.size() != 2) {
          throw new TableException("Invalid argument count: device and offset are wanted");
        }
        Area area = Area.open(context, arguments.get(0), arguments.get(1));
        return CompletableFuture.completedFuture(new LinearTarget(area));
      } catch (TableException e) {
        return CompletableFuture.failedFuture(e);
      }
    }
  }
}
