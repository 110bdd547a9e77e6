// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

/** Keeps a listener registered until it is closed. Any thread; a second close does nothing. */
@FunctionalInterface
public interface Registration extends AutoCloseable {
  /** Ends the registration. A call that has been scheduled already may still come. */
  @Override
  void close();
}
