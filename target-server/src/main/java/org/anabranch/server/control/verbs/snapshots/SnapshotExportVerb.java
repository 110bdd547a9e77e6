// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.snapshots;

import java.nio.file.Path;
import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.Progress;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Place;
import org.anabranch.server.control.Verb;
import org.anabranch.server.exports.Exports;
import org.jspecify.annotations.Nullable;

/** {@code snapshot export}: to a file of the server's, or as data for the client. */
public final class SnapshotExportVerb
    implements Verb<
        SnapshotExportVerb.Arguments, SnapshotExportVerb.State, SnapshotExportVerb.Result> {
  public static final Call<Arguments, State, Result> CALL =
      new Call<>(
          "snapshot export",
          "Writes a snapshot to a file or a stream while the volume is in use.",
          Arguments.class,
          State.class,
          Result.class);

  /** What goes where. */
  public record Arguments(
      @Doc("VOLUME@NAME") String name,
      @Doc("absolute, the server writes it; absent: the client gets a stream as data")
          @Nullable Path file,
      @Doc("only what turns the volume as it is now into the snapshot") boolean changed,
      @Doc("only what turns an image of this older snapshot into the snapshot")
          @Nullable String since,
      @Doc("replace a regular file that is there") boolean force) {}

  /** How far it is. */
  public record State(@Doc("bytes") long doneBytes, @Doc("bytes") long totalBytes) {}

  /** The complete file. */
  public record Result(
      @Doc("VOLUME@NAME") String name,
      @Doc("absolute; absent for a stream") @Nullable Path file,
      @Doc("the snapshot's length") long bytes,
      @Doc("of data in the file or stream") long storedBytes,
      @Doc("0600: only its owner may read it; absent for a stream") @Nullable String mode) {}

  private final Exports exports;

  SnapshotExportVerb(Exports exports) {
    this.exports = exports;
  }

  @Override
  public Call<Arguments, State, Result> call() {
    return CALL;
  }

  @Override
  public Place place(Arguments arguments) {
    return Place.WAITING;
  }

  @Override
  public Result run(Arguments arguments, Caller<State> caller)
      throws RefusedException, ClientGoneException {
    Progress<Exports.State> progress =
        state -> caller.report(new State(state.done(), state.total()));
    Path file = arguments.file();
    if (file == null) {
      return stream(arguments, caller, progress);
    }
    if (!file.isAbsolute() || file.getFileName() == null) {
      throw new RefusedException("not the absolute path of a file: " + file);
    }
    String since = arguments.since();
    if (since != null && arguments.changed()) {
      throw new RefusedException("since and changed exclude each other: changed is since now");
    }
    Exports.Written written =
        since != null || arguments.changed()
            ? exports.delta(arguments.name(), since, file, arguments.force(), progress)
            : exports.raw(arguments.name(), file, arguments.force(), progress);
    return new Result(arguments.name(), file, written.bytes(), written.stored(), "0600");
  }

  private Result stream(Arguments arguments, Caller<State> caller, Progress<Exports.State> progress)
      throws RefusedException, ClientGoneException {
    if (arguments.changed() || arguments.force()) {
      throw new RefusedException("changed and force are for a file, not for a stream");
    }
    Exports.Written written =
        exports.stream(arguments.name(), arguments.since(), caller::send, progress);
    return new Result(arguments.name(), null, written.bytes(), written.stored(), null);
  }
}
