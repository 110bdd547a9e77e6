// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm.flakey;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.anabranch.block.dm.AreaSpec;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.block.dm.TargetSpec;

/**
 * {@code flakey device offset up down [count feature...]}: {@link FlakeyTarget}.
 *
 * @param area where requests go
 * @param up seconds during which the target works
 * @param down seconds during which it does not; together with {@code up} 1 to {@link #MAX_SECONDS}
 * @param features what it does while it is down
 */
public record FlakeySpec(AreaSpec area, long up, long down, Features features)
    implements TargetSpec {
  /** The longest cycle. */
  public static final long MAX_SECONDS = 0xffff_ffffL;

  public FlakeySpec {
    if (up < 0 || down < 0 || up + down < 1 || up + down > MAX_SECONDS) {
      throw new IllegalArgumentException(up + " s up, " + down + " s down");
    }
  }

  @Override
  public String type() {
    return "flakey";
  }

  @Override
  public List<DeviceRef> devices() {
    return List.of(area.device());
  }

  @Override
  public FlakeySpec withDevices(UnaryOperator<DeviceRef> change) {
    return new FlakeySpec(area.withDevice(change), up, down, features);
  }

  @Override
  public List<String> words() {
    List<String> words = new ArrayList<>(area.words());
    words.add(Long.toString(up));
    words.add(Long.toString(down));
    words.addAll(features.words());
    return words;
  }
}
