// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

/**
 * What a client and the server must agree about for one verb. The records are JSON on the socket,
 * see {@link RecordJson}; docs/json.md lists them.
 *
 * @param name such as {@code snapshot create}
 * @param summary one line of documentation
 * @param arguments a record; each component has a {@link Doc}
 * @param progress a record; {@link Nothing} when the verb reports nothing
 * @param result a record; each component has a {@link Doc}
 */
public record Call<A extends Record, P extends Record, R extends Record>(
    String name, String summary, Class<A> arguments, Class<P> progress, Class<R> result) {
  /** A verb that reports nothing while it works. */
  public static <A extends Record, R extends Record> Call<A, Nothing, R> of(
      String name, String summary, Class<A> arguments, Class<R> result) {
    return new Call<>(name, summary, arguments, Nothing.class, result);
  }
}
