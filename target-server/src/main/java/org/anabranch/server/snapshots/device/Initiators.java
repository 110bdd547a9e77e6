// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots.device;

import java.util.Map;
import org.anabranch.server.base.RefusedException;

/**
 * What the side that faces initiators must know of devices that come, change and go. Any thread.
 */
public interface Initiators {
  /** How many sessions are logged in to a target that has the device, or one made of it. */
  int sessions(String device);

  /** The device is there now: LUNs that name it can be attached. */
  void appeared(String device) throws RefusedException;

  /** The device is about to go: its LUNs are detached, and nothing holds it open. */
  void vanishing(String device) throws RefusedException;

  /**
   * Devices are about to get other names. Their new names are known durably as those of the same
   * disks when this returns.
   *
   * @param names the new ones by the old ones
   */
  void renaming(Map<String, String> names) throws RefusedException;

  /** The devices have their new names, see {@link #renaming}. A failure is logged. */
  void renamed(Map<String, String> names);

  /** The device, and what is made of it, reads differently without having been written. */
  void contentsChanged(String device);
}
