// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm.error;

import java.util.List;
import java.util.function.UnaryOperator;
import org.anabranch.block.dm.AreaSpec;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.block.dm.TargetSpec;
import org.jspecify.annotations.Nullable;

/**
 * {@code error [device offset]}: {@link ErrorTarget}.
 *
 * @param area gives the limits; may be null
 */
public record ErrorSpec(@Nullable AreaSpec area) implements TargetSpec {
  @Override
  public String type() {
    return "error";
  }

  @Override
  public List<DeviceRef> devices() {
    return area == null ? List.of() : List.of(area.device());
  }

  @Override
  public ErrorSpec withDevices(UnaryOperator<DeviceRef> change) {
    return area == null ? this : new ErrorSpec(area.withDevice(change));
  }

  @Override
  public List<String> words() {
    return area == null ? List.of() : area.words();
  }
}
