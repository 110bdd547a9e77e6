// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.luns;

import java.util.ArrayList;
import java.util.List;
import org.anabranch.config.LunConfig;
import org.anabranch.config.TargetConfig;
import org.anabranch.server.base.EffectiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.anabranch.server.volumes.RuntimeLuns;

/** {@code lun list}. */
public final class LunListVerb implements Verb<Nothing, Nothing, LunListVerb.Result> {
  public static final Call<Nothing, Nothing, Result> CALL =
      Call.of("lun list", "Lists the LUNs of all targets.", Nothing.class, Result.class);

  /** All LUNs. */
  public record Result(@Doc("by target and number") List<Lun> luns) {}

  /** A LUN. */
  public record Lun(
      @Doc("the target's iSCSI name") String target,
      @Doc("0 to 16383") int number,
      @Doc("a volume, a device, or VOLUME@NAME") String device,
      @Doc("whether there is such a device now; otherwise initiators do not see the LUN")
          boolean present,
      @Doc("for the LUN; a volume or snapshot may be read-only itself") boolean readOnly,
      @Doc("whether lun add added it, and not the configuration file") boolean runTime) {}

  private final RuntimeLuns luns;

  LunListVerb(RuntimeLuns luns) {
    this.luns = luns;
  }

  @Override
  public Call<Nothing, Nothing, Result> call() {
    return CALL;
  }

  @Override
  public boolean changes() {
    return false;
  }

  @Override
  public Result run(Nothing arguments, Caller<Nothing> caller) throws RefusedException {
    EffectiveConfiguration effective = luns.effective();
    List<Lun> all = new ArrayList<>();
    for (TargetConfig target : effective.whole().targets().values()) {
      for (LunConfig lun : target.luns().values()) {
        all.add(
            new Lun(
                target.name(),
                lun.number(),
                lun.device(),
                luns.isPresent(lun.device()),
                lun.readOnly(),
                effective.made().hasLun(effective.file(), target.name(), lun.number())));
      }
    }
    return new Result(all);
  }
}
