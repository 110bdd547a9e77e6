// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;

/** {@code reload}. */
public final class ReloadVerb implements Verb<ReloadVerb.Arguments, Nothing, ChangeLines> {
  public static final Call<Arguments, Nothing, ChangeLines> CALL =
      Call.of(
          "reload",
          "Reads the configuration file again and applies what has changed.",
          Arguments.class,
          ChangeLines.class);

  /** How. */
  public record Arguments(@Doc("also when sessions lose LUNs") boolean force) {}

  private final RunningServer server;

  ReloadVerb(RunningServer server) {
    this.server = server;
  }

  @Override
  public Call<Arguments, Nothing, ChangeLines> call() {
    return CALL;
  }

  @Override
  public ChangeLines run(Arguments arguments, Caller<Nothing> caller) throws RefusedException {
    return new ChangeLines(server.reload(arguments.force()));
  }
}
