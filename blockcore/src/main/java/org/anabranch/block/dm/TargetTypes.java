// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.util.List;
import org.anabranch.block.dm.delay.DelayTarget;
import org.anabranch.block.dm.error.ErrorTarget;
import org.anabranch.block.dm.flakey.FlakeyTarget;
import org.anabranch.block.dm.linear.LinearTarget;
import org.anabranch.block.dm.zero.ZeroTarget;

/** The target types that come with the product. */
public final class TargetTypes {
  private TargetTypes() {}

  /** One of each, for one {@link DeviceMapper}: some types keep state among their targets. */
  public static List<TargetType> standard() {
    return List.of(
        new LinearTarget.Type(),
        new ZeroTarget.Type(),
        new ErrorTarget.Type(),
        new DelayTarget.Type(),
        new FlakeyTarget.Type());
  }
}
