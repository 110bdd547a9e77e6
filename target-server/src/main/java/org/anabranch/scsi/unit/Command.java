// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

import java.util.EnumSet;
import java.util.HexFormat;
import java.util.Set;
import java.util.function.Predicate;
import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.api.UnitLatency;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.rate.Traffic;
import org.jspecify.annotations.Nullable;

/**
 * The definition of one command. The dispatcher, reservations, write protection and REPORT
 * SUPPORTED OPERATION CODES all use it.
 *
 * <p>The {@code usage} map is the CDB's (SPC-4 6.35.3): the operation code (and the service action)
 * as it is, and a bit set for each bit of the CDB that is evaluated. Its length is the CDB's. A CDB
 * with a bit set outside of the map is rejected with a pointer to that bit, so RDPROTECT, NACA and
 * other unsupported fields need no further check.
 */
public final class Command {
  /** Further properties that the dispatcher uses. */
  public enum Trait {
    /** Needs a medium that is present and ready. */
    MEDIUM,
    /** Changes the medium; rejected when it is write protected. */
    WRITES,
    /** Runs despite a pending unit attention, which stays pending (SAM-5 5.14). */
    PAST_ATTENTION,
    /** Processed while the target port is in the standby state (SPC-4 5.15.2.4.4). */
    IN_STANDBY,
    /** Allowed while a SANITIZE or FORMAT UNIT is in progress (SBC-3 4.10, 4.11). */
    DURING_SANITIZE
  }

  /** Number of bytes that a CDB specifies. The caller limits it. */
  @FunctionalInterface
  public interface Length {
    long of(LogicalUnit unit, byte[] cdb);
  }

  /** The access of a CDB, where it depends on fields of the CDB. */
  @FunctionalInterface
  public interface AccessOf {
    Access of(byte[] cdb);
  }

  /** Runs the command; ends the task, here or later, or throws what it ends with. */
  @FunctionalInterface
  public interface Action {
    void run(LogicalUnit unit, Task task) throws CheckCondition;
  }

  /** Makes the reply to a command that only returns parameter data. */
  @FunctionalInterface
  public interface Reply {
    byte[] make(LogicalUnit unit, Task task) throws CheckCondition;
  }

  private static final Length NOTHING = (unit, cdb) -> 0;

  public final String name;
  private final byte[] usage;
  private boolean serviceAction;
  private AccessOf access = cdb -> Access.WRITE;
  private Set<Trait> traits = EnumSet.noneOf(Trait.class);
  private Predicate<LogicalUnit> units = unit -> true;
  private int timeoutSeconds = 30;
  private boolean makesNoIo;
  private UnitLatency measuredAs = UnitLatency.OTHER;
  private @Nullable Traffic traffic;
  private Length moved = (unit, cdb) -> 0;
  private Length dataOut = NOTHING;
  private Length dataIn = NOTHING;
  private Action action =
      (unit, task) -> {
        throw new CheckCondition(SenseCode.INTERNAL_TARGET_FAILURE);
      };

  /**
   * @param usage the usage map in hexadecimal, with spaces
   */
  public Command(String name, String usage) {
    this.name = name;
    this.usage = HexFormat.ofDelimiter(" ").parseHex(usage);
  }

  /** Shares its operation code with others; the service action is in byte 1, bits 0 to 4. */
  public Command byServiceAction() {
    serviceAction = true;
    return this;
  }

  public Command access(Access newAccess) {
    return access(cdb -> newAccess);
  }

  public Command access(AccessOf newAccess) {
    access = newAccess;
    return this;
  }

  public Command traits(Trait first, Trait... others) {
    traits = EnumSet.of(first, others);
    return this;
  }

  /** Limits the command to some units. Others do not have its operation code. */
  public Command onlyOf(Predicate<LogicalUnit> these) {
    units = these;
    return this;
  }

  /** The reported command timeout; more than 30 s for commands that process the whole LUN. */
  public Command timeout(int seconds) {
    timeoutSeconds = seconds;
    return this;
  }

  /** Counts and is measured among these. */
  public Command measuredAs(UnitLatency kind) {
    measuredAs = kind;
    return this;
  }

  UnitLatency measuredAs() {
    return measuredAs;
  }

  /**
   * Counts for the rate limits of the unit.
   *
   * @param direction which limits
   * @param bytes what it reads or writes on the medium
   */
  public Command moves(Traffic direction, Length bytes) {
    traffic = direction;
    moved = bytes;
    return this;
  }

  /** Which rate limits it counts for; null: none. */
  @Nullable Traffic traffic() {
    return traffic;
  }

  /** How many bytes it counts for the rate limits; a CDB that asks for too much is rejected. */
  long movedBytes(LogicalUnit unit, byte[] cdb) {
    return Math.max(0, moved.of(unit, cdb));
  }

  public Command dataOut(Length length) {
    dataOut = length;
    return this;
  }

  public Command dataIn(Length length) {
    dataIn = length;
    return this;
  }

  public Command runs(Action newAction) {
    action = newAction;
    return this;
  }

  /** Ends without an Io, so that it need not wait for those of tasks that were aborted. */
  public Command withoutIo() {
    makesNoIo = true;
    return this;
  }

  boolean makesNoIo() {
    return makesNoIo;
  }

  /**
   * Returns parameter data, cut to the allocation length, which is what {@link #dataIn} says; makes
   * no Io.
   */
  public Command replies(Reply reply) {
    action = (unit, task) -> unit.reply(task, reply.make(unit, task));
    makesNoIo = true;
    return this;
  }

  public int opcode() {
    return usage[0] & 0xff;
  }

  public boolean hasServiceAction() {
    return serviceAction;
  }

  public int serviceAction() {
    return usage[1] & 0x1f;
  }

  public int cdbLength() {
    return usage.length;
  }

  public byte[] usage() {
    return usage.clone();
  }

  /**
   * Whether its initiator may hold contents of the medium afterwards, or a reservation that
   * outlives the nexus. What only tells of the unit, such as INQUIRY and READ CAPACITY, does not.
   */
  boolean usesMedium(byte[] cdb) {
    return switch (access.of(cdb)) {
      case FREE, STATUS -> false;
      case READ, WRITE, PERSISTENT -> true;
    };
  }

  public Access access(byte[] cdb) {
    return access.of(cdb);
  }

  public boolean has(Trait trait) {
    return traits.contains(trait);
  }

  public boolean isOf(LogicalUnit unit) {
    return units.test(unit);
  }

  public int timeoutSeconds() {
    return timeoutSeconds;
  }

  public long dataOutLength(LogicalUnit unit, byte[] cdb) {
    return dataOut.of(unit, cdb);
  }

  public long dataInLength(LogicalUnit unit, byte[] cdb) {
    return dataIn.of(unit, cdb);
  }

  public void run(LogicalUnit unit, Task task) throws CheckCondition {
    action.run(unit, task);
  }

  /** Rejects a CDB that has a bit set outside of the usage map, with a pointer to that bit. */
  public void checkUsage(byte[] cdb) throws CheckCondition {
    for (int at = 1; at < usage.length; at++) {
      int unknown = cdb[at] & ~usage[at] & 0xff;
      if (unknown != 0) {
        throw CheckCondition.inCdb(at, 31 - Integer.numberOfLeadingZeros(unknown));
      }
    }
  }

  @Override
  public String toString() {
    return name;
  }
}
