// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import java.util.List;
import java.util.function.UnaryOperator;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.block.dm.TargetSpec;

/** {@code snapshot-origin device}: see {@code OriginTarget}. */
public record OriginSpec(DeviceRef origin) implements TargetSpec {
  @Override
  public String type() {
    return "snapshot-origin";
  }

  @Override
  public List<DeviceRef> devices() {
    return List.of(origin);
  }

  @Override
  public OriginSpec withDevices(UnaryOperator<DeviceRef> change) {
    return new OriginSpec(change.apply(origin));
  }

  @Override
  public List<String> words() {
    return List.of(origin.word());
  }
}
