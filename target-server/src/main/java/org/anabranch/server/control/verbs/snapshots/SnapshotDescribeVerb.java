// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.snapshots;

import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.anabranch.server.snapshots.Snapshots;

/** {@code snapshot describe}. */
public final class SnapshotDescribeVerb
    implements Verb<SnapshotDescribeVerb.Arguments, Nothing, SnapshotDescribeVerb.Arguments> {
  public static final Call<Arguments, Nothing, Arguments> CALL =
      Call.of(
          "snapshot describe",
          "Changes the description of a snapshot.",
          Arguments.class,
          Arguments.class);

  /** Which one, and what is said of it. */
  public record Arguments(
      @Doc("VOLUME@NAME") String name,
      @Doc("one line of at most 255 characters; empty: none") String description) {}

  private final Snapshots snapshots;

  SnapshotDescribeVerb(Snapshots snapshots) {
    this.snapshots = snapshots;
  }

  @Override
  public Call<Arguments, Nothing, Arguments> call() {
    return CALL;
  }

  @Override
  public Arguments run(Arguments arguments, Caller<Nothing> caller) throws RefusedException {
    snapshots.describe(arguments.name(), arguments.description());
    return arguments;
  }
}
