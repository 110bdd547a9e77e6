// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

/**
 * An origin of snapshots, obtained from its device with {@code device.targets(OriginHandle.class)}.
 * Any thread.
 */
public interface OriginHandle {
  /** The number of its snapshots that preserve overwritten data. */
  int snapshots();
}
