// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;

/** {@code session drop}. */
public final class SessionDropVerb
    implements Verb<SessionDropVerb.Arguments, Nothing, SessionDropVerb.Result> {
  public static final Call<Arguments, Nothing, Result> CALL =
      Call.of(
          "session drop",
          "Ends a session; its initiator may log in again.",
          Arguments.class,
          Result.class);

  /** Which session. */
  public record Arguments(@Doc("as in session list") long id) {}

  /** What was done. */
  public record Result(@Doc("its id") long dropped) {}

  private final RunningServer server;

  SessionDropVerb(RunningServer server) {
    this.server = server;
  }

  @Override
  public Call<Arguments, Nothing, Result> call() {
    return CALL;
  }

  @Override
  public Result run(Arguments arguments, Caller<Nothing> caller) throws RefusedException {
    long id = arguments.id();
    if (id != (int) id || !server.drop((int) id)) {
      throw new RefusedException(
          "there is no session " + id + "; session list shows which there are");
    }
    return new Result(id);
  }
}
