// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm.linear;

import java.util.List;
import java.util.function.UnaryOperator;
import org.anabranch.block.dm.AreaSpec;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.block.dm.TargetSpec;

/** {@code linear device offset}: {@link LinearTarget}. */
public record LinearSpec(AreaSpec area) implements TargetSpec {
  /**
   * An area of {@code device}.
   *
   * @param offset its first sector on the device
   */
  public LinearSpec(DeviceRef device, long offset) {
    this(new AreaSpec(device, offset));
  }

  @Override
  public String type() {
    return "linear";
  }

  @Override
  public List<DeviceRef> devices() {
    return List.of(area.device());
  }

  @Override
  public LinearSpec withDevices(UnaryOperator<DeviceRef> change) {
    return new LinearSpec(area.withDevice(change));
  }

  @Override
  public List<String> words() {
    return area.words();
  }
}
