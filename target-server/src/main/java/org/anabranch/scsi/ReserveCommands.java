// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

/**
 * RESERVE and RELEASE (6) and (10) of the whole unit for its nexus (SPC-2 7.21, 7.16). Extents and
 * third parties are not supported.
 */
final class ReserveCommands {
  private ReserveCommands() {}

  static void add(CommandTable table) {
    table.add(reserve("RESERVE (6)", "16 00 00 00 00 00"));
    table.add(reserve("RESERVE (10)", "56 00 00 00 00 00 00 00 00 00"));
    table.add(release("RELEASE (6)", "17 00 00 00 00 00"));
    table.add(release("RELEASE (10)", "57 00 00 00 00 00 00 00 00 00"));
  }

  private static Command reserve(String name, String usage) {
    return new Command(name, usage)
        .access(Command.Access.FREE)
        .runs((unit, task) -> answer(unit, task, unit.reservations().reserve(task.nexus())));
  }

  private static Command release(String name, String usage) {
    return new Command(name, usage)
        .access(Command.Access.FREE)
        .runs((unit, task) -> answer(unit, task, unit.reservations().release(task.nexus())));
  }

  private static void answer(LogicalUnit unit, Task task, boolean granted) {
    if (granted) {
      unit.good(task);
    } else {
      unit.conflict(task);
    }
  }
}
