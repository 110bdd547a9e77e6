// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.jspecify.annotations.Nullable;

/** {@code volume retry}. */
public final class VolumeRetryVerb
    implements Verb<VolumeRetryVerb.Arguments, Nothing, ChangeLines> {
  public static final Call<Arguments, Nothing, ChangeLines> CALL =
      Call.of(
          "volume retry",
          "Serves what was left out, where it has been put right.",
          Arguments.class,
          ChangeLines.class);

  /** What to try again. */
  public record Arguments(
      @Doc("a volume or device; absent: all that is left out") @Nullable String volume) {}

  private final RunningServer server;

  VolumeRetryVerb(RunningServer server) {
    this.server = server;
  }

  @Override
  public Call<Arguments, Nothing, ChangeLines> call() {
    return CALL;
  }

  @Override
  public ChangeLines run(Arguments arguments, Caller<Nothing> caller) throws RefusedException {
    String name = arguments.volume();
    return new ChangeLines(
        name == null ? server.recovery().retry() : server.recovery().retry(name));
  }
}
