// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.targets;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.dm.TableLine;
import org.anabranch.block.dm.TableSpec;
import org.anabranch.block.dm.TableText;
import org.anabranch.block.dm.TargetType;
import org.anabranch.block.dm.delay.DelayTarget;
import org.anabranch.block.dm.error.ErrorTarget;
import org.anabranch.block.dm.flakey.FlakeyTarget;
import org.anabranch.block.dm.linear.LinearTarget;
import org.anabranch.block.dm.zero.ZeroTarget;
import org.anabranch.block.snapshot.Bounds;
import org.anabranch.block.snapshot.InvalidStores;
import org.anabranch.block.snapshot.group.Origins;

/** The target types of the product. */
public final class TargetTypes {
  private TargetTypes() {}

  /** Used only to parse tables; no target is made from them. */
  private static final List<TargetType> READERS = standard();

  /**
   * Parses the lines of a table when there is no {@link DeviceMapper} yet.
   *
   * @param names words that name devices where one is expected; others are paths
   */
  public static TableSpec read(List<TableLine> lines, Collection<String> names)
      throws TableException {
    return TableText.read(lines, READERS, word -> TableText.reference(word, names));
  }

  /** One of each type, for one {@link DeviceMapper}: the snapshots of a mapper share state. */
  public static List<TargetType> standard() {
    return standard(Bounds.DEFAULT);
  }

  /** The same with other limits for snapshots. */
  public static List<TargetType> standard(Bounds bounds) {
    return standard(bounds, InvalidStores.NOT_KEPT);
  }

  /** The same with a record of stores that are invalid but could not be marked. */
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
