// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.dm;

import org.anabranch.server.admin.RuntimeDevices;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;

/** {@code dm remove_all}. */
public final class DmRemoveAllVerb implements Verb<DmRemoveAllVerb.Arguments, Nothing, Done> {
  public static final Call<Arguments, Nothing, Done> CALL =
      Call.of(
          "dm remove_all",
          "Removes all devices that dm create made and nobody uses.",
          Arguments.class,
          Done.class);

  /** How. */
  public record Arguments(
      @Doc("let all requests of those in use fail from now on; these stay") boolean force) {}

  private final RuntimeDevices made;

  DmRemoveAllVerb(RuntimeDevices made) {
    this.made = made;
  }

  @Override
  public Call<Arguments, Nothing, Done> call() {
    return CALL;
  }

  @Override
  public Done run(Arguments arguments, Caller<Nothing> caller) throws RefusedException {
    return new Done(made.removeAll(arguments.force()));
  }
}
