// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.base;

import java.util.List;

/**
 * A part of the server that knows of states that a user should hear of. Asked by {@code status},
 * and once in a while for the log.
 */
@FunctionalInterface
public interface WarningSource {
  /**
   * What is wrong now, in any order; empty when nothing is. Any thread. It answers from what it
   * knows: it does not wait for a disk or for a lock that is held while a disk works.
   */
  List<Warning> warnings();
}
