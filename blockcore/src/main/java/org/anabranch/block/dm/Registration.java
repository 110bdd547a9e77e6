// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

/** Keeps a listener registered until it is closed. Any thread; closing twice is harmless. */
@FunctionalInterface
public interface Registration extends AutoCloseable {
  /** Ends the registration. A call that was already scheduled may still arrive. */
  @Override
  void close();
}
