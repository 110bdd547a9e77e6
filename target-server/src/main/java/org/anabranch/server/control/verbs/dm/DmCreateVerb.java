// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.dm;

import org.anabranch.server.admin.RuntimeDevices;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.jspecify.annotations.Nullable;

/** {@code dm create}. */
public final class DmCreateVerb implements Verb<DmCreateVerb.Arguments, Nothing, Done> {
  public static final Call<Arguments, Nothing, Done> CALL =
      Call.of(
          "dm create",
          "Creates a device, and resumes it with a table.",
          Arguments.class,
          Done.class);

  /** The device. */
  public record Arguments(
      @Doc("its name") String name,
      @Doc("its table, as dmsetup writes it; absent: none yet") @Nullable String table,
      @Doc("writes to it fail") boolean readOnly) {}

  private final RuntimeDevices made;

  DmCreateVerb(RuntimeDevices made) {
    this.made = made;
  }

  @Override
  public Call<Arguments, Nothing, Done> call() {
    return CALL;
  }

  @Override
  public Done run(Arguments arguments, Caller<Nothing> caller) throws RefusedException {
    String table = arguments.table();
    made.create(arguments.name(), table == null ? "" : table, arguments.readOnly());
    return Done.of(arguments.name());
  }
}
