// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.volumes;

import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.anabranch.server.volumes.RuntimeVolumes;

/** {@code volume rename}. */
public final class VolumeRenameVerb
    implements Verb<VolumeRenameVerb.Arguments, Nothing, VolumeRenameVerb.Result> {
  public static final Call<Arguments, Nothing, Result> CALL =
      Call.of(
          "volume rename",
          "Gives a volume that was made at run time another name.",
          Arguments.class,
          Result.class);

  /** Which one. */
  public record Arguments(@Doc("its name") String volume, @Doc("the new one") String newName) {}

  /** Its name now. */
  public record Result(@Doc("its name now") String volume, @Doc("its name before") String before) {}

  private final RuntimeVolumes volumes;

  VolumeRenameVerb(RuntimeVolumes volumes) {
    this.volumes = volumes;
  }

  @Override
  public Call<Arguments, Nothing, Result> call() {
    return CALL;
  }

  @Override
  public Result run(Arguments arguments, Caller<Nothing> caller) throws RefusedException {
    volumes.rename(arguments.volume(), arguments.newName());
    return new Result(arguments.newName(), arguments.volume());
  }
}
