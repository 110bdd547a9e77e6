// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.volumes;

import java.nio.file.Path;
import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Place;
import org.anabranch.server.control.Verb;
import org.anabranch.server.volumes.NewVolume;
import org.anabranch.server.volumes.RuntimeVolumes;
import org.anabranch.server.volumes.VolumeCopy;
import org.jspecify.annotations.Nullable;

/** {@code volume create}. */
public final class VolumeCreateVerb
    implements Verb<VolumeCreateVerb.Arguments, VolumeCreateVerb.State, VolumeCreateVerb.Result> {
  public static final Call<Arguments, State, Result> CALL =
      new Call<>(
          "volume create",
          "Makes a volume: an empty one, a copy of a snapshot, or one of an image that is there.",
          Arguments.class,
          State.class,
          Result.class);

  /** What it is to be. */
  public record Arguments(
      @Doc("unique among volumes and devices") String name,
      @Doc("its size; absent for a copy and for an image that is there") @Nullable Long bytes,
      @Doc("VOLUME@NAME whose contents it gets") @Nullable String from,
      @Doc("absolute, of its image; absent: NAME.img in image-dir") @Nullable Path path,
      @Doc("512 or 4096; absent: as what it is a copy of, else as in volume-defaults")
          @Nullable Integer blockSize,
      @Doc(
              "a power of two up to 65536; absent: as what it is a copy of, else as in volume-defaults")
          @Nullable Integer physicalBlockSize,
      @Doc("initiators cannot write; absent: as in volume-defaults") @Nullable Boolean readOnly,
      @Doc("the disk reports a removable medium; absent: as in volume-defaults")
          @Nullable Boolean removable,
      @Doc(
              value = "answer when the copy has ended, and report how far it is until then",
              name = "wait")
          boolean untilEnd) {}

  /** How far the copy is. */
  public record State(@Doc("bytes") long doneBytes, @Doc("bytes") long totalBytes) {}

  /** What becomes of it. */
  public record Result(
      @Doc("its name") String name,
      @Doc("of its image") Path path,
      @Doc("whether it is still being copied: see volume list") boolean copying) {}

  private final RuntimeVolumes volumes;

  VolumeCreateVerb(RuntimeVolumes volumes) {
    this.volumes = volumes;
  }

  @Override
  public Call<Arguments, State, Result> call() {
    return CALL;
  }

  /** Who watches a copy may watch for hours. */
  @Override
  public Place place(Arguments arguments) {
    return arguments.untilEnd() ? Place.WAITING : Place.COMMAND;
  }

  @Override
  public Result run(Arguments arguments, Caller<State> caller)
      throws RefusedException, ClientGoneException {
    NewVolume wanted =
        new NewVolume(
            arguments.name(),
            arguments.bytes(),
            arguments.from(),
            arguments.path(),
            arguments.blockSize(),
            arguments.physicalBlockSize(),
            arguments.readOnly(),
            arguments.removable());
    VolumeCopy copy = volumes.create(wanted);
    Path path = volumes.image(arguments.name());
    if (copy != null && arguments.untilEnd()) {
      copy.await(state -> caller.report(new State(state.done(), state.total())));
    }
    return new Result(arguments.name(), path, copy != null && !arguments.untilEnd());
  }
}
