// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.dm.delay.DelayTarget;
import org.anabranch.block.dm.error.ErrorTarget;
import org.anabranch.block.dm.flakey.FlakeyTarget;
import org.anabranch.block.dm.linear.LinearTarget;
import org.anabranch.block.dm.zero.ZeroTarget;
import org.anabranch.block.snapshot.Bounds;
import org.anabranch.block.snapshot.InvalidStores;
import org.anabranch.block.snapshot.Origins;

/** The target types that come with the product. */
public final class TargetTypes {
  private TargetTypes() {}

  /** One of each, for one {@link DeviceMapper}: some types keep state among their targets. */
  public static List<TargetType> standard() {
    return standard(Bounds.DEFAULT);
  }

  /** The same, with other bounds for snapshots. */
  public static List<TargetType> standard(Bounds bounds) {
    return standard(bounds, InvalidStores.NOT_KEPT);
  }

  /** The same, and a keeper of what stores can't say themselves. */
  public static List<TargetType> standard(Bounds bounds, InvalidStores invalidStores) {
    List<TargetType> types =
        new ArrayList<>(
            List.of(
                new LinearTarget.Type(),
                new ZeroTarget.Type(),
                new ErrorTarget.Type(),
                new DelayTarget.Type(),
                new FlakeyTarget.Type()));
    types.addAll(Origins.types(bounds, invalidStores));
    return List.copyOf(types);
  }
}
