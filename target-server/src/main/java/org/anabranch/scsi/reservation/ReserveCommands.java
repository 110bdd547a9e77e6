// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.reservation;

import java.util.function.Consumer;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.unit.Access;
import org.anabranch.scsi.unit.Command;
import org.anabranch.scsi.unit.LogicalUnit;

/**
 * RESERVE and RELEASE (6) and (10) of the whole unit for its nexus (SPC-2 7.21, 7.16). Extents and
 * third parties are not supported.
 */
public final class ReserveCommands {
  private ReserveCommands() {}

  public static void add(Consumer<Command> table) {
    table.accept(reserve("RESERVE (6)", "16 00 00 00 00 00"));
    table.accept(reserve("RESERVE (10)", "56 00 00 00 00 00 00 00 00 00"));
    table.accept(release("RELEASE (6)", "17 00 00 00 00 00"));
    table.accept(release("RELEASE (10)", "57 00 00 00 00 00 00 00 00 00"));
  }

  private static Command reserve(String name, String usage) {
    return new Command(name, usage)
        .access(Access.FREE)
        .withoutIo()
        .runs((unit, task) ->
            answer(unit, task, unit.part(Reservations.class).reserve(task.nexus())));
  }

  private static Command release(String name, String usage) {
    return new Command(name, usage)
        .access(Access.FREE)
        .withoutIo()
        .runs((unit, task) ->
            answer(unit, task, unit.part(Reservations.class).release(task.nexus())));
  }

  private static void answer(LogicalUnit unit, Task task, boolean granted) {
    if (granted) {
      unit.good(task);
    } else {
      unit.conflict(task);
    }
  }
}
