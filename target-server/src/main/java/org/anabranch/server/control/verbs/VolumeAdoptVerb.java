// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;

/** {@code volume adopt}. */
public final class VolumeAdoptVerb
    implements Verb<VolumeAdoptVerb.Arguments, Nothing, ChangeLines> {
  public static final Call<Arguments, Nothing, ChangeLines> CALL =
      Call.of(
          "volume adopt",
          "Declares the file at a volume's path to be the volume's image, whatever was there before, and"
              + " serves it.",
          Arguments.class,
          ChangeLines.class);

  /** Which volume. */
  public record Arguments(@Doc("its name") String volume) {}

  private final RunningServer server;

  VolumeAdoptVerb(RunningServer server) {
    this.server = server;
  }

  @Override
  public Call<Arguments, Nothing, ChangeLines> call() {
    return CALL;
  }

  @Override
  public ChangeLines run(Arguments arguments, Caller<Nothing> caller) throws RefusedException {
    return new ChangeLines(server.recovery().adopt(arguments.volume()));
  }
}
