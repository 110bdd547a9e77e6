// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;

/** {@code state backup}, of a server that runs. */
public final class StateBackupVerb implements Verb<Nothing, Nothing, StateBackupVerb.Result> {
  public static final Call<Nothing, Nothing, Result> CALL =
      Call.of(
          "state backup",
          "Sends a backup of the state directory's small files, as data.",
          Nothing.class,
          Result.class);

  /** What was sent. */
  public record Result(
      @Doc("of the backup") long bytes, @Doc("the state directory") Path stateDir) {}

  private final RunningServer server;

  StateBackupVerb(RunningServer server) {
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
  public Result run(Nothing arguments, Caller<Nothing> caller)
      throws RefusedException, ClientGoneException {
    byte[] backup = server.stateBackup();
    caller.send(ByteBuffer.wrap(backup));
    return new Result(backup.length, server.configuration().stateDir());
  }
}
