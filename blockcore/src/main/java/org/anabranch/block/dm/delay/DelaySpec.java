// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm.delay;

import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.anabranch.block.dm.AreaSpec;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.block.dm.TargetSpec;

/**
 * {@code delay device offset ms [device offset ms [device offset ms]]}: {@link DelayTarget}.
 *
 * @param classes reads, writes, flushes; the last one given also serves the missing ones
 */
public record DelaySpec(List<Delay> classes) implements TargetSpec {
  /** The longest delay. */
  public static final long MAX_MILLIS = 0xffff_ffffL;

  /**
   * Where requests of one class go, and when.
   *
   * @param millis 0 to {@link #MAX_MILLIS}; 0 means no delay
   */
  public record Delay(AreaSpec area, long millis) {
    public Delay {
      if (millis < 0 || millis > MAX_MILLIS) {
        throw new IllegalArgumentException(millis + " ms");
      }
    }

    private Stream<String> words() {
      return Stream.concat(area.words().stream(), Stream.of(Long.toString(millis)));
    }
  }

  public DelaySpec {
    classes = List.copyOf(classes);
    if (classes.isEmpty() || classes.size() > 3) {
      throw new IllegalArgumentException(classes.size() + " classes");
    }
  }

  @Override
  public String type() {
    return "delay";
  }

  @Override
  public List<DeviceRef> devices() {
    return classes.stream().map(one -> one.area.device()).toList();
  }

  @Override
  public DelaySpec withDevices(UnaryOperator<DeviceRef> change) {
    return new DelaySpec(
        classes.stream().map(one -> new Delay(one.area.withDevice(change), one.millis)).toList());
  }

  @Override
  public List<String> words() {
    return classes.stream().flatMap(Delay::words).toList();
  }
}
