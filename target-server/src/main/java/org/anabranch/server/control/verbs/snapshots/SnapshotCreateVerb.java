// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.snapshots;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Flat;
import org.anabranch.server.control.Verb;
import org.anabranch.server.snapshots.Snapshots;
import org.anabranch.server.snapshots.Wanted;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.terminal.Sizes;
import org.jspecify.annotations.Nullable;

/** {@code snapshot create}. */
public final class SnapshotCreateVerb
    implements Verb<SnapshotCreateVerb.Arguments, HookStep, SnapshotCreateVerb.Result> {
  public static final Call<Arguments, HookStep, Result> CALL =
      new Call<>(
          "snapshot create",
          "Takes snapshots of volumes at one instant: all of them, or none.",
          Arguments.class,
          HookStep.class,
          Result.class);

  private static final long DEFAULT_CHUNK_SECTORS = 16;
  private static final long MIN_CHUNK_SECTORS = 8;
  private static final long MAX_CHUNK_SECTORS = 65536;

  /** Its header, an area of its list, and one chunk of data. */
  private static final long MIN_STORE_CHUNKS = 3;

  /** What is taken. */
  public record Arguments(
      @Doc("each VOLUME@NAME") List<String> names,
      @Doc("with name, in place of names") @Nullable String volume,
      @Doc("with volume; unique in it") @Nullable String name,
      @Doc("what a snapshot copies at once, a power of two from 8 to 65536; absent: 16")
          @Nullable Long chunkSectors,
      @Doc("how large each store is at first, bytes; absent: as large as it can need")
          @Nullable Long size,
      @Doc("initiators cannot write to it") boolean readOnly,
      @Doc("what it is for, one line of at most 255 characters; absent: nothing")
          @Nullable String description) {
    /** Of these volumes. */
    public static Arguments of(
        List<String> names,
        @Nullable Long chunkSectors,
        @Nullable Long size,
        boolean readOnly,
        @Nullable String description) {
      return new Arguments(names, null, null, chunkSectors, size, readOnly, description);
    }
  }

  /** What was taken. */
  public record Result(
      @Doc("when it is one") @Flat @Nullable SnapshotFacts snapshot,
      @Doc(
              value = "when there are several: an object as the fields above are, for each",
              listedIn = "snapshot list")
          @Nullable List<SnapshotFacts> snapshots,
      @Doc("hooks that failed though the snapshots were taken; absent: none")
          @Nullable List<String> hookFailures) {}

  private final Snapshots snapshots;

  SnapshotCreateVerb(Snapshots snapshots) {
    this.snapshots = snapshots;
  }

  @Override
  public Call<Arguments, HookStep, Result> call() {
    return CALL;
  }

  @Override
  public Result run(Arguments arguments, Caller<HookStep> caller) throws RefusedException {
    int chunkSectors = chunkSectors(arguments);
    long size = size(arguments, chunkSectors);
    List<Wanted> wanted = new ArrayList<>();
    for (String device : names(arguments)) {
      int at = device.indexOf('@');
      if (at <= 0) {
        throw new RefusedException(
            "\"" + device + "\" is not VOLUME@NAME, such as vm1@before-upgrade");
      }
      wanted.add(
          new Wanted(
              device.substring(0, at),
              device.substring(at + 1),
              chunkSectors,
              size,
              arguments.readOnly(),
              Objects.requireNonNullElse(arguments.description(), "")));
    }
    HookReport hooks = HookReport.to(caller, HookStep::new);
    List<SnapshotFacts> taken = new ArrayList<>();
    for (SnapshotState snapshot : snapshots.create(wanted, hooks)) {
      taken.add(SnapshotFacts.of(snapshot, snapshots));
    }
    return taken.size() == 1
        ? new Result(taken.getFirst(), null, hooks.failures())
        : new Result(null, taken, hooks.failures());
  }

  private static List<String> names(Arguments arguments) throws RefusedException {
    if (!arguments.names().isEmpty()) {
      return arguments.names();
    }
    if (arguments.volume() == null || arguments.name() == null) {
      throw new RefusedException("argument names is missing, and so are volume and name");
    }
    return List.of(arguments.volume() + "@" + arguments.name());
  }

  /** Bytes of each store; 0: as large as it can need. */
  private static long size(Arguments arguments, int chunkSectors) throws RefusedException {
    if (arguments.size() == null) {
      return 0;
    }
    long least = MIN_STORE_CHUNKS * chunkSectors * 512;
    if (arguments.size() < least) {
      throw new RefusedException(
          "a store of "
              + Sizes.bytes((double) arguments.size())
              + " is too small: with chunks of "
              + Sizes.bytes(chunkSectors * 512.0)
              + " it needs "
              + Sizes.bytes((double) least)
              + " at least; without a size it gets what it can need");
    }
    return arguments.size();
  }

  private static int chunkSectors(Arguments arguments) throws RefusedException {
    long sectors =
        arguments.chunkSectors() == null ? DEFAULT_CHUNK_SECTORS : arguments.chunkSectors();
    if (sectors < MIN_CHUNK_SECTORS || sectors > MAX_CHUNK_SECTORS || Long.bitCount(sectors) != 1) {
      throw new RefusedException(
          "chunk size of "
              + sectors * 512
              + " bytes; allowed are powers of two from 4 KiB to 32 MiB");
    }
    return (int) sectors;
  }
}
