// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import java.util.List;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;

/** {@code session list}. */
public final class SessionListVerb implements Verb<Nothing, Nothing, SessionListVerb.Result> {
  public static final Call<Nothing, Nothing, Result> CALL =
      Call.of(
          "session list", "Lists the sessions that are logged in.", Nothing.class, Result.class);

  /** What was done. */
  public record Result(@Doc("discovery sessions included") List<SessionEntry> sessions) {}

  private final RunningServer server;

  SessionListVerb(RunningServer server) {
    this.server = server;
  }

  @Override
  public Call<Nothing, Nothing, Result> call() {
    return CALL;
  }

  @Override
  public boolean changes() {
    return false;
  }

  @Override
  public Result run(Nothing arguments, Caller<Nothing> caller) throws RefusedException {
    return new Result(all(server));
  }

  static List<SessionEntry> all(RunningServer server) {
    return server.sessionInfos().stream().map(SessionEntry::of).toList();
  }
}
