// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.util.List;
import org.anabranch.naming.InitiatorPattern;

/**
 * A logical unit of a target.
 *
 * @param number 0 to 16383
 * @param device a volume's or device's name, or {@code volume@snapshot}
 * @param readOnly initiators cannot write, even if the device could be written
 * @param initiators the only ones that see it; empty: all that the target admits
 */
public record LunConfig(
    int number, String device, boolean readOnly, List<InitiatorPattern> initiators) {
  /** The largest LUN that flat space addressing can express (SAM-5 4.7.7.4). */
  public static final int MAX_NUMBER = 16383;

  public LunConfig {
    initiators = List.copyOf(initiators);
  }
}
