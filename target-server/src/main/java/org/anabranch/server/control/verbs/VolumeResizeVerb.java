// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import org.anabranch.server.admin.VolumeSize;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;

/** {@code volume resize}. */
public final class VolumeResizeVerb
    implements Verb<VolumeResizeVerb.Arguments, Nothing, VolumeResizeVerb.Result> {
  public static final Call<Arguments, Nothing, Result> CALL =
      Call.of("volume resize", "Gives a volume another size.", Arguments.class, Result.class);

  /** Which size. */
  public record Arguments(
      @Doc("its name") String volume,
      @Doc("the new size, a multiple of 512") long bytes,
      @Doc("bytes is added to the present size") boolean more,
      @Doc("also a smaller size: what is behind it is lost") boolean force) {}

  /** What was done. */
  public record Result(
      @Doc("its name") String volume, @Doc("now") long bytes, @Doc("before") long bytesBefore) {}

  private final RunningServer server;

  VolumeResizeVerb(RunningServer server) {
    this.server = server;
  }

  @Override
  public Call<Arguments, Nothing, Result> call() {
    return CALL;
  }

  @Override
  public Result run(Arguments arguments, Caller<Nothing> caller) throws RefusedException {
    String volume = arguments.volume();
    if (arguments.bytes() % 512 != 0) {
      throw new RefusedException("volume " + volume + ": a size is whole sectors of 512 bytes");
    }
    VolumeSize.Resized done =
        server.resize(volume, arguments.bytes() / 512, arguments.more(), arguments.force());
    return new Result(volume, done.after() * 512, done.before() * 512);
  }
}
