// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.rates;

import java.time.Duration;
import org.anabranch.config.VolumeLimits;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.anabranch.server.rate.VolumeRates;
import org.anabranch.server.volumes.VolumeLimitChange;
import org.jspecify.annotations.Nullable;

/** {@code volume limit}. */
public final class VolumeLimitVerb
    implements Verb<VolumeLimitVerb.Arguments, Nothing, VolumeLimitVerb.Result> {
  public static final Call<Arguments, Nothing, Result> CALL =
      Call.of(
          "volume limit",
          "Changes the rate limits of a volume. Those of a volume that a command made stay until they"
              + " are changed again; those of a volume of the configuration file, until the server"
              + " stops or a reload changes them.",
          Arguments.class,
          Result.class);

  /** What changes; what is absent stays. */
  public record Arguments(
      @Doc("its name") String volume,
      @Doc("first of all: no limits") boolean none,
      @Doc("first of all: the limits of the configuration") boolean configured,
      @Doc("commands a second that read or write; 0, as below: no limit; absent: as it is")
          @Nullable Long iops,
      @Doc("commands that read") @Nullable Long readIops,
      @Doc("commands that write") @Nullable Long writeIops,
      @Doc("read and written a second") @Nullable Long bytesPerSecond,
      @Doc("read") @Nullable Long readBytesPerSecond,
      @Doc("written") @Nullable Long writeBytesPerSecond,
      @Doc("10 to 3600000") @Nullable Long burstMillis) {
    VolumeLimits over(VolumeLimits before) throws IllegalArgumentException {
      return new VolumeLimits(
          within("iops", iops, before.iops(), VolumeLimits.MOST_IOPS),
          within("read-iops", readIops, before.readIops(), VolumeLimits.MOST_IOPS),
          within("write-iops", writeIops, before.writeIops(), VolumeLimits.MOST_IOPS),
          bytes("bytes-per-second", bytesPerSecond, before.bytes()),
          bytes("read-bytes-per-second", readBytesPerSecond, before.readBytes()),
          bytes("write-bytes-per-second", writeBytesPerSecond, before.writeBytes()),
          burst(before.burst()));
    }

    private static long within(String what, @Nullable Long given, long before, long most) {
      if (given != null && (given < 0 || given > most)) {
        throw new IllegalArgumentException(what + " is " + given + ", allowed are 0 to " + most);
      }
      return given == null ? before : given;
    }

    private static long bytes(String what, @Nullable Long given, long before) {
      if (given != null && given > 0 && given < VolumeLimits.LEAST_BYTES) {
        throw new IllegalArgumentException(
            what
                + " is "
                + given
                + ", allowed are 0, which is no limit, and "
                + VolumeLimits.LEAST_BYTES
                + " or more");
      }
      return within(what, given, before, VolumeLimits.MOST_BYTES);
    }

    private Duration burst(Duration before) {
      if (burstMillis == null) {
        return before;
      }
      long least = VolumeLimits.LEAST_BURST.toMillis();
      long most = VolumeLimits.LONGEST_BURST.toMillis();
      if (burstMillis < least || burstMillis > most) {
        throw new IllegalArgumentException(
            "burst is " + burstMillis + " ms, allowed are " + least + " to " + most + " ms");
      }
      return Duration.ofMillis(burstMillis);
    }
  }

  /** What is in force now. */
  public record Result(@Doc("its name") String volume, @Doc("now") LimitsEntry limits) {}

  private final VolumeLimitChange change;

  public VolumeLimitVerb(VolumeLimitChange change) {
    this.change = change;
  }

  @Override
  public Call<Arguments, Nothing, Result> call() {
    return CALL;
  }

  @Override
  public Result run(Arguments arguments, Caller<Nothing> caller) throws RefusedException {
    arguments.over(VolumeLimits.NONE); // so that nothing has changed when it refuses
    VolumeRates.InForce now =
        change.limit(
            arguments.volume(),
            arguments.configured(),
            before -> arguments.over(arguments.none() ? VolumeLimits.NONE : before));
    return new Result(arguments.volume(), LimitsEntry.of(now));
  }
}
