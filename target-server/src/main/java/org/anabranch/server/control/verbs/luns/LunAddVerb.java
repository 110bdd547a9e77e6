// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.luns;

import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.anabranch.server.volumes.RuntimeLuns;

/** {@code lun add}. */
public final class LunAddVerb implements Verb<LunAddVerb.Arguments, Nothing, LunAddVerb.Arguments> {
  public static final Call<Arguments, Nothing, Arguments> CALL =
      Call.of(
          "lun add",
          "Shows a volume, device or snapshot as a LUN of a target.",
          Arguments.class,
          Arguments.class);

  /** What is a LUN where. */
  public record Arguments(
      @Doc("the target's iSCSI name") String target,
      @Doc("0 to 16383") int number,
      @Doc("a volume, a device, or VOLUME@NAME") String device,
      @Doc("initiators cannot write to it by this LUN") boolean readOnly) {}

  private final RuntimeLuns luns;

  LunAddVerb(RuntimeLuns luns) {
    this.luns = luns;
  }

  @Override
  public Call<Arguments, Nothing, Arguments> call() {
    return CALL;
  }

  @Override
  public Arguments run(Arguments arguments, Caller<Nothing> caller) throws RefusedException {
    luns.add(arguments.target(), arguments.number(), arguments.device(), arguments.readOnly());
    return arguments;
  }
}
