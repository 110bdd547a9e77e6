// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.anabranch.block.sim.Machine;
import org.anabranch.scsi.api.InitiatorPort;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.api.TaskAttribute;
import org.anabranch.scsi.command.DiskUnit;
import org.anabranch.scsi.device.TargetDevice;
import org.anabranch.scsi.unit.LogicalUnit;
import org.jspecify.annotations.Nullable;

/**
 * A unit over a mapped device of a simulated machine, and one initiator, who does one thing at a
 * time.
 */
public final class SimulatedUnit {
  private final Machine machine;
  private final TargetDevice target;
  private final Nexus nexus;
  private int tags;
  private @Nullable Task ended;

  /** On the mapped device of that name. */
  public SimulatedUnit(Machine machine, String device) {
    this.machine = machine;
    LogicalUnit unit = DiskUnit.of(machine.device(device), Lab.properties(), machine.scheduler());
    target = new TargetDevice(List.of(Lab.PORT), machine.scheduler());
    target.attach(0, unit, initiator -> true);
    InitiatorPort port = new InitiatorPort("iqn.2026-11.org.example:first", 0x800000000001L);
    nexus = target.open(port, Lab.PORT.portalGroupTag());
    send("00 00 00 00 00 00").fails("6/29/00");
  }

  /** Runs a command to its end, or up to a power cut. */
  public Lab.Result send(String cdb, byte... out) {
    byte[] bytes = Arrays.copyOf(HexFormat.ofDelimiter(" ").parseHex(cdb), 16);
    ended = null;
    Task task = new Task(nexus, 0, bytes, TaskAttribute.SIMPLE, tags++, over -> ended = over);
    task.expectsDataOut(out.length);
    target.prepare(task);
    ByteBuffer data = null;
    if (task.dataOutLength() > 0) {
      data = ByteBuffer.allocateDirect(task.dataOutLength()).put(0, out);
    }
    int length = task.dataInLength();
    ByteBuffer in = length == 0 ? null : ByteBuffer.allocateDirect(length);
    task.buffers(data, in);
    target.execute(task);
    machine.scheduler().runUntil(() -> ended != null, cdb);
    byte[] got = new byte[task.dataInTransferred()];
    if (in != null) {
      in.get(0, got);
    }
    return new Lab.Result(task.status(), task.sense(), got, task.aborted());
  }
}
