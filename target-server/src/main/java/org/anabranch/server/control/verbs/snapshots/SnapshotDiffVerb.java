// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.snapshots;

import java.util.ArrayList;
import java.util.List;
import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Place;
import org.anabranch.server.control.Verb;
import org.anabranch.server.exports.Exports;
import org.anabranch.server.exports.TypedExtent;
import org.jspecify.annotations.Nullable;

/**
 * {@code snapshot diff}. The extents are reported as progress, a part at a time: there may be very
 * many.
 */
public final class SnapshotDiffVerb
    implements Verb<SnapshotDiffVerb.Arguments, SnapshotDiffVerb.Part, SnapshotDiffVerb.Result> {
  public static final Call<Arguments, Part, Result> CALL =
      new Call<>(
          "snapshot diff",
          "Lists the extents that changed since a snapshot was taken.",
          Arguments.class,
          Part.class,
          Result.class);

  /** Extents in one report. */
  private static final int PART = 1000;

  /** What is compared. */
  public record Arguments(
      @Doc("VOLUME@NAME") String name,
      @Doc("an older snapshot, VOLUME@OLDER; absent: the volume as it is now")
          @Nullable String since,
      @Doc("divide extents by what they read as in the snapshot, and report that") boolean types) {}

  /** Some of the extents. */
  public record Part(@Doc("ascending") List<Extent> extents) {}

  /** Bytes that changed. */
  public record Extent(
      @Doc("bytes") long offset,
      @Doc("bytes") long length,
      @Doc("with types: data (it may read as anything), zero (zeros for certain)")
          TypedExtent.@Nullable Type type) {
    static Extent of(TypedExtent extent) {
      return new Extent(extent.offset(), extent.length(), extent.type());
    }
  }

  /** All of them together. */
  public record Result(
      @Doc("ascending; at the control socket they are reported as progress and absent here")
          @Nullable List<Extent> extents,
      @Doc("VOLUME@NAME") String name,
      @Doc("how many there were") long extentCount,
      @Doc("all of them together") long changedBytes) {}

  private final Exports exports;

  SnapshotDiffVerb(Exports exports) {
    this.exports = exports;
  }

  @Override
  public Call<Arguments, Part, Result> call() {
    return CALL;
  }

  @Override
  public boolean changes() {
    return false;
  }

  @Override
  public Place place(Arguments arguments) {
    return Place.WAITING;
  }

  @Override
  public Result run(Arguments arguments, Caller<Part> caller)
      throws RefusedException, ClientGoneException {
    List<Extent> part = new ArrayList<>();
    long[] count = new long[1];
    long[] bytes = new long[1];
    exports.changed(
        arguments.name(),
        arguments.since(),
        arguments.types(),
        extent -> {
          part.add(Extent.of(extent));
          count[0]++;
          bytes[0] += extent.length();
          if (part.size() == PART) {
            caller.report(new Part(part));
            part.clear();
          }
        });
    caller.report(new Part(part));
    return new Result(null, arguments.name(), count[0], bytes[0]);
  }
}
