// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;

/** {@code volume take-over}. */
public final class VolumeTakeOverVerb
    implements Verb<VolumeTakeOverVerb.Arguments, Nothing, ChangeLines> {
  public static final Call<Arguments, Nothing, ChangeLines> CALL =
      Call.of(
          "volume take-over",
          "Serves a volume that another server has, and shuts that server out of it first.",
          Arguments.class,
          ChangeLines.class);

  /** Which volume. */
  public record Arguments(@Doc("its name") String volume) {}

  private final RunningServer server;

  VolumeTakeOverVerb(RunningServer server) {
    this.server = server;
  }

  @Override
  public Call<Arguments, Nothing, ChangeLines> call() {
    return CALL;
  }

  @Override
  public ChangeLines run(Arguments arguments, Caller<Nothing> caller) throws RefusedException {
    return new ChangeLines(server.tenures().takeOver(arguments.volume()));
  }
}
