// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.dm;

import java.util.List;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.anabranch.server.storage.Stages;

/** {@code dm message}. */
public final class DmMessageVerb
    implements Verb<DmMessageVerb.Arguments, Nothing, DmMessageVerb.Result> {
  public static final Call<Arguments, Nothing, Result> CALL =
      Call.of("dm message", "Sends a message to a target.", Arguments.class, Result.class);

  /** The message. */
  public record Arguments(
      @Doc("of the device") String name,
      @Doc("where the target is") long sector,
      @Doc("of the message") List<String> words) {}

  /** The answer. */
  public record Result(@Doc("empty when there is none") String reply) {}

  private final DeviceMapper mapper;

  DmMessageVerb(DeviceMapper mapper) {
    this.mapper = mapper;
  }

  @Override
  public Call<Arguments, Nothing, Result> call() {
    return CALL;
  }

  @Override
  public Result run(Arguments arguments, Caller<Nothing> caller) throws RefusedException {
    String what = "dm message " + arguments.name();
    if (arguments.words().isEmpty()) {
      throw new RefusedException(what + ": argument words is missing: the message");
    }
    return new Result(
        Stages.await(
            what, mapper.message(arguments.name(), arguments.sector(), arguments.words())));
  }
}
