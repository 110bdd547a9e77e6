// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm.zero;

import java.util.List;
import java.util.function.UnaryOperator;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.block.dm.TargetSpec;

/** {@code zero}: {@link ZeroTarget}. */
public record ZeroSpec() implements TargetSpec {
  @Override
  public String type() {
    return "zero";
  }

  @Override
  public List<DeviceRef> devices() {
    return List.of();
  }

  @Override
  public ZeroSpec withDevices(UnaryOperator<DeviceRef> change) {
    return this;
  }

  @Override
  public List<String> words() {
    return List.of();
  }
}
