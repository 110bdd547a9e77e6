// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.luns;

import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.anabranch.server.volumes.RuntimeLuns;

/** {@code lun remove}. */
public final class LunRemoveVerb
    implements Verb<LunRemoveVerb.Arguments, Nothing, LunRemoveVerb.Result> {
  public static final Call<Arguments, Nothing, Result> CALL =
      Call.of(
          "lun remove",
          "Takes a LUN away that was added at run time.",
          Arguments.class,
          Result.class);

  /** Which one. */
  public record Arguments(
      @Doc("the target's iSCSI name") String target,
      @Doc("0 to 16383") int number,
      @Doc("also when sessions see it") boolean force) {}

  /** What it was. */
  public record Result(
      @Doc("the target's iSCSI name") String target,
      @Doc("0 to 16383") int number,
      @Doc("what it was") String device) {}

  private final RuntimeLuns luns;

  LunRemoveVerb(RuntimeLuns luns) {
    this.luns = luns;
  }

  @Override
  public Call<Arguments, Nothing, Result> call() {
    return CALL;
  }

  @Override
  public Result run(Arguments arguments, Caller<Nothing> caller) throws RefusedException {
    String device = luns.remove(arguments.target(), arguments.number(), arguments.force());
    return new Result(arguments.target(), arguments.number(), device);
  }
}
