// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.snapshots;

import java.nio.file.Path;
import java.util.Objects;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Flat;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.anabranch.server.snapshots.Adoption;
import org.anabranch.server.snapshots.Snapshots;
import org.jspecify.annotations.Nullable;

/** {@code snapshot adopt}. */
public final class SnapshotAdoptVerb
    implements Verb<SnapshotAdoptVerb.Arguments, Nothing, SnapshotAdoptVerb.Result> {
  public static final Call<Arguments, Nothing, Result> CALL =
      Call.of(
          "snapshot adopt",
          "Takes over a snapshot that LVM2 or dmsetup made, from its COW volume.",
          Arguments.class,
          Result.class);

  /** Which one, and from where. */
  public record Arguments(
      @Doc("VOLUME@NAME; the volume must hold what the snapshot's origin held") String name,
      @Doc("the COW volume, or an image of it; absolute; it is copied") Path store,
      @Doc("initiators cannot write to the snapshot") boolean readOnly,
      @Doc("begin or continue its merge at once") boolean merge,
      @Doc("of one line; absent: none") @Nullable String description) {}

  /** What was taken over. */
  public record Result(@Doc("the snapshot") @Flat SnapshotFacts snapshot) {}

  private final Snapshots snapshots;

  SnapshotAdoptVerb(Snapshots snapshots) {
    this.snapshots = snapshots;
  }

  @Override
  public Call<Arguments, Nothing, Result> call() {
    return CALL;
  }

  @Override
  public Result run(Arguments arguments, Caller<Nothing> caller) throws RefusedException {
    String device = arguments.name();
    int at = device.indexOf('@');
    if (at <= 0) {
      throw new RefusedException(
          "\"" + device + "\" is not VOLUME@NAME, such as vm1@before-upgrade");
    }
    if (!arguments.store().isAbsolute()) {
      throw new RefusedException("store " + arguments.store() + " is not an absolute path");
    }
    Adoption.Request request =
        new Adoption.Request(
            device.substring(0, at),
            device.substring(at + 1),
            arguments.store(),
            arguments.readOnly(),
            arguments.merge(),
            Objects.requireNonNullElse(arguments.description(), ""));
    return new Result(SnapshotFacts.of(snapshots.adopt(request), snapshots));
  }
}
