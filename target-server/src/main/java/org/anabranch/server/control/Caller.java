// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

import java.util.concurrent.CompletableFuture;
import org.anabranch.server.base.Progress;

/**
 * The client that made a request, while the request is handled.
 *
 * @param <P> what is reported to it
 */
public interface Caller<P> extends Progress<P> {
  /**
   * Completes when the client closes its side of the connection, or the server stops. For verbs
   * that wait for something that may never come.
   */
  CompletableFuture<Void> gone();
}
