// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.Progress;

/**
 * The client that made a request, while the request is handled.
 *
 * @param <P> what is reported to it
 */
public interface Caller<P> extends Progress<P> {
  /**
   * Completes when the client closes its side of the connection, or the server stops. For verbs
   * that wait for something that may never come, and receive no data.
   */
  CompletableFuture<Void> gone();

  /**
   * Sends data to the client; waits while the client does not read.
   *
   * @param data from its position to its limit
   * @throws ClientGoneException when the client has closed, or the server stops
   */
  void send(ByteBuffer data) throws ClientGoneException;

  /**
   * Takes data that the client sends; waits for it.
   *
   * @param into gets at least a byte, unless it has no room
   * @return how many; -1 behind the end
   * @throws ClientGoneException when the client has closed before the end of its data, or sent
   *     something else, or the server stops
   */
  int receive(ByteBuffer into) throws ClientGoneException;
}
