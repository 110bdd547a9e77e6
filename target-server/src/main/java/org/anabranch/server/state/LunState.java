// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import java.util.Comparator;

/**
 * A LUN that was added at run time, as the state file remembers it.
 *
 * @param target the iSCSI name, normalized
 * @param number 0 to 16383
 * @param device a volume, a device, or {@code volume@snapshot}
 * @param readOnly initiators cannot write by this path
 */
public record LunState(String target, int number, String device, boolean readOnly)
    implements Comparable<LunState> {
  @Override
  public int compareTo(LunState other) {
    return Comparator.comparing(LunState::target)
        .thenComparingInt(LunState::number)
        .compare(this, other);
  }

  /** Whether it is this LUN of this target. */
  public boolean is(String itsTarget, int itsNumber) {
    return target.equals(itsTarget) && number == itsNumber;
  }

  /** The same for a device that has another name. */
  LunState of(String newDevice) {
    return new LunState(target, number, newDevice, readOnly);
  }
}
