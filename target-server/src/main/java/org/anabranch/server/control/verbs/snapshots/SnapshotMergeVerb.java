// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.snapshots;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Flat;
import org.anabranch.server.control.Place;
import org.anabranch.server.control.RecordJson;
import org.anabranch.server.control.Verb;
import org.anabranch.server.snapshots.Snapshots;
import org.anabranch.server.snapshots.merge.MergeRequest;
import org.anabranch.server.snapshots.merge.MergeRequest.Begin;
import org.anabranch.server.snapshots.merge.MergeStatus;
import org.anabranch.server.snapshots.merge.MergeWait;
import org.anabranch.server.state.SnapshotState;
import org.jspecify.annotations.Nullable;

/** {@code snapshot merge}: rolls volumes back to snapshots. */
public final class SnapshotMergeVerb
    implements Verb<SnapshotMergeVerb.Arguments, MergeStep, SnapshotMergeVerb.Result> {
  public static final Call<Arguments, MergeStep, Result> CALL =
      new Call<>(
          "snapshot merge",
          "Rolls volumes back to snapshots at one instant: all of them, or none. The snapshots are gone"
              + " at the end, unless they are kept.",
          Arguments.class,
          MergeStep.class,
          Result.class);

  private static final long PROGRESS_MILLIS = 100;

  /** When and how. */
  public record Arguments(
      @Doc("each VOLUME@NAME, of different volumes") List<String> names,
      @Doc("VOLUME@NAME, in place of names") @Nullable String name,
      @Doc("begin under initiators") boolean now,
      @Doc("begin at the next login of the initiator that uses the volume") boolean onNextLogin,
      @Doc("how long on-next-login holds, 1 to 86400; absent: 900") @Nullable Long timeLimitSeconds,
      @Doc(
              "bytes a second that the merge may move at most; 0: as many as it can; absent: as before")
          @Nullable Long throttle,
      @Doc("an initiator that is cut off and is not waited for") @Nullable String assumeGone,
      @Doc(
              value = "answer when the merge has ended, and report how far it is until then",
              name = "wait")
          boolean untilEnd,
      @Doc("take back a merge that waits to begin, with those that were asked for together with it")
          boolean cancel,
      @Doc("the snapshots are there afterwards, each with an empty store") boolean keep) {
    /** Without anything special. */
    public static Arguments of(String name, boolean now) {
      return new Arguments(List.of(name), null, now, false, null, null, null, false, false, false);
    }
  }

  /** What becomes of the volumes. */
  public record Result(
      @Doc("when it is one") @Flat @Nullable Merged merge,
      @Doc(
              value = "when there are several: an object as the fields above are, for each",
              listedIn = "snapshot merge")
          @Nullable List<Merged> merges) {
    /** One or several. */
    public List<Merged> all() {
      return merge == null ? Objects.requireNonNullElse(merges, List.of()) : List.of(merge);
    }
  }

  /** What becomes of a volume. */
  public record Merged(
      @Doc("VOLUME@NAME") String name,
      @Doc("the volume that is rolled back") String volume,
      @Doc("waiting, queued, merging; merged with wait; ready with cancel") Phase phase,
      @Doc("whether the snapshot is there afterwards") boolean kept,
      @Doc(value = "while its phase is waiting, as in snapshot list", listedIn = "snapshot list")
          @Nullable List<WaitEntry> waitsFor,
      @Doc("as in snapshot list") @Nullable Instant onNextLoginUntil,
      @Doc("hooks that failed though the merge began; absent: none")
          @Nullable List<String> hookFailures) {}

  /** How far the merge had come when the verb was answered. */
  public enum Phase {
    WAITING,
    QUEUED,
    MERGING,
    MERGED,
    READY;

    private static Phase of(SnapshotState snapshot) {
      return switch (snapshot.phase()) {
        case WAITING -> WAITING;
        case QUEUED -> QUEUED;
        case MERGING -> MERGING;
        case CREATING, READY, REMOVING -> READY;
      };
    }
  }

  private final Snapshots snapshots;

  SnapshotMergeVerb(Snapshots snapshots) {
    this.snapshots = snapshots;
  }

  @Override
  public Call<Arguments, MergeStep, Result> call() {
    return CALL;
  }

  /** Who watches a merge may watch for hours. */
  @Override
  public Place place(Arguments arguments) {
    return arguments.untilEnd() ? Place.WAITING : Place.COMMAND;
  }

  @Override
  public Result run(Arguments arguments, Caller<MergeStep> caller)
      throws RefusedException, ClientGoneException {
    List<String> names = names(arguments);
    HookReport hooks =
        HookReport.to(
            caller,
            what -> new MergeStep(names.getFirst(), SnapshotFacts.Phase.WAITING, null, what));
    List<SnapshotState> found =
        arguments.cancel()
            ? snapshots.cancelMerge(names)
            : snapshots.merge(request(names, arguments), hooks);
    List<Merged> merged = new ArrayList<>();
    for (SnapshotState snapshot : found) {
      merged.add(merged(snapshot, arguments, caller, hooks));
    }
    return merged.size() == 1 ? new Result(merged.getFirst(), null) : new Result(null, merged);
  }

  private static List<String> names(Arguments arguments) throws RefusedException {
    if (!arguments.names().isEmpty()) {
      return arguments.names();
    }
    if (arguments.name() == null) {
      throw new RefusedException("argument names is missing, and so is name");
    }
    return List.of(arguments.name());
  }

  private Merged merged(
      SnapshotState snapshot, Arguments arguments, Caller<MergeStep> caller, HookReport hooks)
      throws RefusedException, ClientGoneException {
    MergeWait wait = snapshots.waits(snapshot);
    Phase phase = Phase.of(snapshot);
    if (arguments.untilEnd() && phase != Phase.READY) {
      while (await(snapshot, caller)) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(PROGRESS_MILLIS));
      }
      phase = Phase.MERGED;
    }
    boolean waits = phase == Phase.WAITING;
    return new Merged(
        snapshot.device(),
        snapshot.volume(),
        phase,
        snapshot.keeps(),
        waits ? WaitEntry.of(wait) : null,
        waits ? WaitEntry.inSeconds(wait.onNextLoginUntil()) : null,
        hooks.failures());
  }

  private static MergeRequest request(List<String> names, Arguments arguments)
      throws RefusedException {
    if (arguments.now() && arguments.onNextLogin()) {
      throw new RefusedException("now or on-next-login, not both");
    }
    Long limit = arguments.timeLimitSeconds();
    long seconds = limit == null ? MergeRequest.TIME_LIMIT.toSeconds() : limit;
    if (seconds < 1 || seconds > MergeRequest.MAX_TIME_LIMIT.toSeconds()) {
      throw new RefusedException("time limit of " + seconds + " s; allowed are 1 s to 1 day");
    }
    Long throttle = arguments.throttle();
    if (throttle != null && throttle < 0) {
      throw new RefusedException("throttle of " + throttle + "; allowed are 0 and more");
    }
    return new MergeRequest(
        names,
        arguments.now()
            ? Begin.NOW
            : arguments.onNextLogin() ? Begin.ON_NEXT_LOGIN : Begin.WHEN_UNUSED,
        Duration.ofSeconds(seconds),
        arguments.assumeGone(),
        throttle,
        arguments.keep());
  }

  /** Reports how far a merge is; whether it goes on. */
  private boolean await(SnapshotState merging, Caller<MergeStep> caller)
      throws RefusedException, ClientGoneException {
    String name = merging.device();
    SnapshotState snapshot =
        snapshots.list(null).stream()
            .filter(each -> each.device().equals(name))
            .findAny()
            .orElse(null);
    if (snapshot == null) {
      return false;
    }
    String unrecorded = snapshots.unrecordedEnd(name);
    if (unrecorded != null) {
      throw new RefusedException(
          "volume "
              + merging.volume()
              + " is rolled back to "
              + name
              + ", but that cannot be recorded, and is tried again each second: "
              + unrecorded);
    }
    MergeStatus status = snapshots.progress(name);
    if (status == null && snapshot.phase() == SnapshotState.Phase.READY) {
      if (snapshot.store().equals(merging.secondStore())) {
        return false; // it has been merged, and was kept
      }
      throw new RefusedException(
          "the rollback to " + name + " was cancelled or did not begin, see the server's log");
    }
    caller.report(
        MergeStep.of(name, SnapshotFacts.Phase.of(snapshot.phase()), MergeEntry.of(status)));
    if (status != null && status.isStuck()) {
      throw new RefusedException(
          "the rollback to "
              + name
              + " stopped: "
              + RecordJson.constant(status.state())
              + ", see the server's log");
    }
    return true;
  }
}
