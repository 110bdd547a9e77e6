// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.RefusedException;

/**
 * One verb of the control socket: the {@link Call} that clients make, and the handler that answers
 * it. A verb is one class that holds its call, its records and its handler.
 *
 * @param <A> the arguments
 * @param <P> what is reported while it works; {@link Nothing} when nothing is
 * @param <R> the result
 */
public interface Verb<A extends Record, P extends Record, R extends Record> {
  /** What a client asks with. */
  Call<A, P, R> call();

  /** Which of its user's places a request takes while it is handled. */
  default Place place(A arguments) {
    return Place.COMMAND;
  }

  /** Whether it changes something. If so, the log says who asked for it, and how it ended. */
  default boolean changes() {
    return true;
  }

  /**
   * Handles a request. Runs on a thread of the request's own, which may wait.
   *
   * @throws RefusedException with the reason, which the client gets as the error
   * @throws ClientGoneException when there is nobody to answer any more
   */
  R run(A arguments, Caller<P> caller) throws RefusedException, ClientGoneException;
}
