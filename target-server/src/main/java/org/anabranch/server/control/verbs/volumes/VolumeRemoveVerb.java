// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.volumes;

import java.nio.file.Path;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.anabranch.server.volumes.RuntimeVolumes;

/** {@code volume remove}. */
public final class VolumeRemoveVerb
    implements Verb<VolumeRemoveVerb.Arguments, Nothing, VolumeRemoveVerb.Result> {
  public static final Call<Arguments, Nothing, Result> CALL =
      Call.of(
          "volume remove",
          "Removes a volume that was made at run time, or cancels its making.",
          Arguments.class,
          Result.class);

  /** Which one. */
  public record Arguments(
      @Doc("its name") String volume, @Doc("also its image, with all data") boolean deleteImage) {}

  /** What became of it. */
  public record Result(
      @Doc("its name") String removed,
      @Doc("of its image") Path path,
      @Doc("whether the image is gone") boolean imageDeleted) {}

  private final RuntimeVolumes volumes;

  VolumeRemoveVerb(RuntimeVolumes volumes) {
    this.volumes = volumes;
  }

  @Override
  public Call<Arguments, Nothing, Result> call() {
    return CALL;
  }

  @Override
  public Result run(Arguments arguments, Caller<Nothing> caller) throws RefusedException {
    RuntimeVolumes.Removed removed = volumes.remove(arguments.volume(), arguments.deleteImage());
    return new Result(arguments.volume(), removed.path(), removed.deleted());
  }
}
