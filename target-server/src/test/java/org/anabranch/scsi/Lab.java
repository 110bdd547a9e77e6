// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.anabranch.block.testing.TestDevice;
import org.anabranch.scsi.api.InitiatorPort;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.api.Status;
import org.anabranch.scsi.api.TargetPort;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.api.TaskAttribute;
import org.anabranch.scsi.command.DiskUnit;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.data.UnitIdentity;
import org.anabranch.scsi.device.LunInventory;
import org.anabranch.scsi.device.TargetDevice;
import org.anabranch.scsi.reservation.ReservationStore;
import org.anabranch.scsi.reservation.Reservations;
import org.anabranch.scsi.unit.LogicalUnit;
import org.anabranch.scsi.unit.UnitProperties;
import org.jspecify.annotations.Nullable;

/** A target device with units over memory, and initiators that talk to it without a transport. */
public final class Lab {
  public static final String TARGET = "iqn.2026-11.org.example:lab";
  public static final TargetPort PORT = new TargetPort(TARGET, 1, 1);
  public static final TargetPort SECOND_PORT = new TargetPort(TARGET, 2, 2);

  public final StepScheduler scheduler = new StepScheduler();
  public final TestDevice disk;
  public final LogicalUnit unit;
  public final TargetDevice device;
  private int tags;

  public Lab(int sectors, UnitProperties properties, ReservationStore store) {
    this(sectors, properties, restored(properties, store));
  }

  public Lab(int sectors, UnitProperties properties, Reservations reservations) {
    disk = new TestDevice(sectors).thin();
    unit = DiskUnit.of(disk, properties, scheduler, reservations);
    device = new TargetDevice(List.of(PORT, SECOND_PORT), scheduler);
    device.attach(0, unit, initiator -> true);
  }

  private static Reservations restored(UnitProperties properties, ReservationStore store) {
    try {
      return new Reservations(properties.identity().id(), store);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A thin disk of 4 MiB with blocks of 512 bytes at LUN 0. */
  public static Lab disk() {
    return new Lab(8192, properties(), ReservationStore.NONE);
  }

  public static UnitProperties properties() {
    return UnitProperties.disk(UnitIdentity.of(TARGET, "disk"));
  }

  public static UnitProperties properties(
      boolean readOnly, boolean removable, boolean thin, int block) {
    return new UnitProperties(
        UnitIdentity.of(TARGET, "disk"), block, block, readOnly, removable, thin);
  }

  /** What came of a command. */
  public static final class Result {
    private final Status status;
    private final byte[] sense;
    private final byte[] data;
    private final boolean aborted;

    public Result(Status status, byte[] sense, byte[] data, boolean aborted) {
      this.status = status;
      this.sense = sense;
      this.data = data;
      this.aborted = aborted;
    }

    public Status status() {
      return status;
    }

    public byte[] sense() {
      return sense;
    }

    public byte[] data() {
      return data;
    }

    public boolean aborted() {
      return aborted;
    }

    /** Key, ASC and ASCQ as in {@code 5/24/00}; empty without sense. */
    public String code() {
      if (sense.length == 0) {
        return "";
      }
      boolean descriptors = (sense[0] & 0x7f) >= 0x72;
      int key = sense[descriptors ? 1 : 2] & 0xf;
      int at = descriptors ? 2 : 12;
      return String.format("%x/%02x/%02x", key, sense[at], sense[at + 1]);
    }

    public void conflicts() {
      assertThat(status).isEqualTo(Status.RESERVATION_CONFLICT);
    }

    public void isGood() {
      assertThat(status + " " + code()).isEqualTo("GOOD ");
    }

    public void fails(String code) {
      assertThat(status + " " + code()).isEqualTo("CHECK_CONDITION " + code);
    }

    /** The byte that the sense-key-specific field of fixed sense points at. */
    public int pointer() {
      assertThat(sense[15] & 0x80).as("SKSV").isNotZero();
      return BigEndian.u16(sense, 16);
    }

    public long information() {
      assertThat(sense[0] & 0xff).as("VALID, fixed format").isEqualTo(0xf0);
      return BigEndian.u32(sense, 3);
    }
  }

  /** A command under way. */
  public final class Command implements Task.Listener {
    public final Task task;
    private @Nullable Result result;
    private boolean disowned;

    public Command(Initiator from, TaskAttribute attribute, long lun, String cdb, byte[] out) {
      this(from, attribute, lun, cdb, Long.MAX_VALUE, out);
    }

    Command(
        Initiator from,
        TaskAttribute attribute,
        long lun,
        String cdb,
        long expectedIn,
        byte[] out) {
      byte[] bytes = Arrays.copyOf(HexFormat.ofDelimiter(" ").parseHex(cdb), 16);
      task = new Task(from.nexus, lun, bytes, attribute, tags++, this);
      task.expectsDataOut(out.length);
      task.expectsDataIn(expectedIn);
      device.prepare(task);
      if (result == null) {
        ByteBuffer data = ByteBuffer.allocateDirect(Math.min(out.length, task.dataOutLength()));
        data.put(0, out, 0, data.capacity());
        ByteBuffer in =
            task.dataInLength() == 0 ? null : ByteBuffer.allocateDirect(task.dataInLength());
        task.buffers(data.capacity() == 0 ? null : data, in);
      }
    }

    @Override
    public void disowned(Task given) {
      assertThat(result).as("disowned after its end").isNull();
      assertThat(disowned).as("disowned twice").isFalse();
      disowned = true;
    }

    @Override
    public void ended(Task ended) {
      assertThat(result).as("ended twice").isNull();
      byte[] data = new byte[ended.dataInTransferred()];
      ByteBuffer in = ended.dataIn();
      if (in != null) {
        in.get(in.position(), data);
      }
      result = new Result(ended.status(), ended.sense(), data, ended.aborted());
    }

    /** Whether it may go on now; if not, it executes when its rate limits let it. */
    public boolean pace() {
      return device.pace(task);
    }

    @Override
    public void paced(Task given) {
      device.execute(given);
    }

    public Command execute() {
      device.execute(task);
      return this;
    }

    public boolean isDisowned() {
      return disowned;
    }

    public boolean isOver() {
      return result != null;
    }

    public Result result() {
      assertThat(result).as("not ended").isNotNull();
      return result;
    }
  }

  /** An I_T nexus. */
  public final class Initiator {
    public final Nexus nexus;

    public Initiator(String name, TargetPort port) {
      this(name, device, port.portalGroupTag());
    }

    public Initiator(String name, TargetDevice at, int portalGroupTag) {
      nexus = at.open(new InitiatorPort(name, 0x800000000001L), portalGroupTag);
    }

    public Command beginAt(int lun, String cdb, byte... out) {
      return new Command(this, TaskAttribute.SIMPLE, LunInventory.field(lun), cdb, out);
    }

    /** Takes the unit attention that every new nexus is owed. */
    public Initiator ready() {
      send("00 00 00 00 00 00").fails("6/29/00");
      return this;
    }

    public Command begin(String cdb, byte... out) {
      return new Command(this, TaskAttribute.SIMPLE, 0, cdb, out);
    }

    public Command begin(TaskAttribute attribute, String cdb, byte... out) {
      return new Command(this, attribute, 0, cdb, out);
    }

    /** Runs a command to its end. */
    public Result send(String cdb, byte... out) {
      return sendTo(0, cdb, out);
    }

    /** The same, by a transport that may return so many bytes; -1 if it is told of no read. */
    public Result sendExpecting(long in, String cdb) {
      Command command = new Command(this, TaskAttribute.SIMPLE, 0, cdb, in, new byte[0]).execute();
      scheduler.settle();
      return command.result();
    }

    public Result sendTo(int lun, String cdb, byte... out) {
      Command command =
          new Command(this, TaskAttribute.SIMPLE, LunInventory.field(lun), cdb, out).execute();
      scheduler.settle();
      return command.result();
    }
  }

  public Initiator initiator(String name) {
    return new Initiator(name, PORT).ready();
  }

  public Initiator initiator() {
    return initiator("iqn.2026-11.org.example:first");
  }

  /** So many bytes, told apart by {@code seed}. */
  public static byte[] pattern(int length, int seed) {
    byte[] bytes = new byte[length];
    for (int i = 0; i < length; i++) {
      bytes[i] = (byte) (seed * 31 + i + i / 512 * 7);
    }
    return bytes;
  }

  public static byte[] hex(String text) {
    return HexFormat.ofDelimiter(" ").parseHex(text);
  }
}
