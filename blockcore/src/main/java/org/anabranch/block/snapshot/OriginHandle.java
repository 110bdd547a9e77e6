// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

/**
 * The origin of snapshots, asked of its device: {@code device.targets(OriginHandle.class)}. Any
 * thread.
 */
public interface OriginHandle {
  /** How many snapshots of it keep what is overwritten. */
  int snapshots();
}
