// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

import java.util.Map;
import org.anabranch.server.base.RefusedException;

/** What a request asks for. Called on a thread of the request's own, which may wait. */
@FunctionalInterface
public interface Verb {
  /** Tells the client how far long work is. */
  interface Progress {
    /**
     * Sends one state.
     *
     * @throws ClientGoneException when there is nobody to tell any more
     */
    void report(Map<String, ?> state) throws ClientGoneException;
  }

  /** The client has gone away; work that it only watches goes on. */
  final class ClientGoneException extends Exception {
    private static final long serialVersionUID = 1L;

    public ClientGoneException(Throwable cause) {
      super("the client is gone", cause);
    }
  }

  /** Which place a request takes. */
  default Place place(Arguments arguments) throws RefusedException {
    return Place.COMMAND;
  }

  /** The same verb in another place. */
  default Verb in(Place place) {
    Verb verb = this;
    return new Verb() {
      @Override
      public Place place(Arguments arguments) {
        return place;
      }

      @Override
      public Map<String, ?> run(Arguments arguments, Progress progress)
          throws RefusedException, ClientGoneException {
        return verb.run(arguments, progress);
      }
    };
  }

  /** The result, a JSON object. */
  Map<String, ?> run(Arguments arguments, Progress progress)
      throws RefusedException, ClientGoneException;
}
