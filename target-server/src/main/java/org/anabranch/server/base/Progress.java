// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.base;

/**
 * Receives the states of long work, for whoever watches it.
 *
 * @param <P> one state
 */
@FunctionalInterface
public interface Progress<P> {
  /**
   * Reports one state.
   *
   * @throws ClientGoneException when nobody watches any more; the work may end then
   */
  void report(P state) throws ClientGoneException;
}
