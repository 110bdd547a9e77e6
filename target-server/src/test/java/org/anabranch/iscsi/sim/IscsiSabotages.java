// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.sim;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.anabranch.block.Io;
import org.anabranch.initiator.Pdu;
import org.anabranch.iscsi.server.ServerInsides;
import org.anabranch.scsi.api.InitiatorPort;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.api.Task;
import org.anabranch.scsi.api.TaskManagementFunction;
import org.anabranch.scsi.api.TaskRouter;

/** Ways to make a {@link SimTarget} wrong. */
final class IscsiSabotages {
  /** A command among so many is concerned. */
  private static final int SOME = 20;

  private static final int WRITE_10 = 0x2a;

  private IscsiSabotages() {}

  /** Changes, drops or repeats PDUs of one opcode. */
  static IscsiSabotage pdus(int opcode, UnaryOperator<List<Pdu>> change) {
    return new IscsiSabotage() {
      @Override
      public List<Pdu> fromTarget(Pdu pdu) {
        return pdu.opcode() == opcode ? change.apply(List.of(pdu)) : List.of(pdu);
      }
    };
  }

  /** Changes some PDUs of one opcode, which the tags of their commands decide. */
  static IscsiSabotage some(int opcode, UnaryOperator<List<Pdu>> change) {
    return pdus(opcode, pdus -> pdus.getFirst().taskTag() % SOME == 3 ? change.apply(pdus) : pdus);
  }

  static List<Pdu> twice(List<Pdu> pdus) {
    return List.of(pdus.getFirst(), pdus.getFirst().copy());
  }

  static List<Pdu> never(List<Pdu> pdus) {
    return List.of();
  }

  static UnaryOperator<List<Pdu>> changed(Consumer<Pdu> change) {
    return pdus -> {
      change.accept(pdus.getFirst());
      return pdus;
    };
  }

  /** A status becomes GOOD. */
  static Consumer<Pdu> withoutStatus(int status) {
    return pdu -> {
      if (pdu.u8(3) == status) {
        pdu.u8(3, 0).data(new byte[0]);
      }
    };
  }

  /** Commands may be sent up to a number, and no further. */
  static IscsiSabotage withoutWidening() {
    return new IscsiSabotage() {
      @Override
      public List<Pdu> fromTarget(Pdu pdu) {
        pdu.i32(32, Math.min(pdu.maxCmdSn(), Math.max(16, pdu.expCmdSn() - 1)));
        return List.of(pdu);
      }
    };
  }

  /** Memory for data is not given back when a connection is lost. */
  static IscsiSabotage withoutRelease() {
    return new IscsiSabotage() {
      @Override
      public void lost(SimTarget target) {
        ServerInsides.memory(target.server()).tryReserve(512);
      }
    };
  }

  /** A write that is aborted is done later all the same. */
  static IscsiSabotage lateWrites() {
    return new IscsiSabotage() {
      @Override
      public TaskRouter router(TaskRouter real, SimTarget target) {
        return new Late(real, target) {
          @Override
          public void manage(
              Nexus nexus,
              TaskManagementFunction function,
              long lun,
              int tag,
              Consumer<TaskManagementFunction.Response> done) {
            super.manage(nexus, function, lun, tag, done);
            if (function == TaskManagementFunction.ABORT_TASK) {
              again(write -> write.nexus.equals(nexus) && write.tag == tag);
            }
          }
        };
      }
    };
  }

  /** What a session had in flight is done when the next one has its place. */
  static IscsiSabotage oldTasks() {
    return new IscsiSabotage() {
      @Override
      public TaskRouter router(TaskRouter real, SimTarget target) {
        return new Late(real, target) {
          @Override
          public void close(Nexus nexus) {
            super.close(nexus);
            again(write -> write.nexus.equals(nexus));
          }
        };
      }
    };
  }

  /** A reset of a LUN does nothing, and is said to be complete. */
  static IscsiSabotage withoutReset() {
    return new IscsiSabotage() {
      @Override
      public TaskRouter router(TaskRouter real, SimTarget target) {
        return new Passed(real) {
          @Override
          public void manage(
              Nexus nexus,
              TaskManagementFunction function,
              long lun,
              int tag,
              Consumer<TaskManagementFunction.Response> done) {
            if (function == TaskManagementFunction.LOGICAL_UNIT_RESET) {
              done.accept(TaskManagementFunction.Response.COMPLETE);
            } else {
              super.manage(nexus, function, lun, tag, done);
            }
          }
        };
      }
    };
  }

  private record Write(Nexus nexus, int tag, int lun, long sector, ByteBuffer data) {}

  /** Remembers the last writes, to do them once more. */
  private abstract static class Late extends Passed {
    private static final int REMEMBERED = 8;
    private static final long LATER = 3_000_000;

    private final SimTarget target;
    private final List<Write> writes = new ArrayList<>();

    Late(TaskRouter real, SimTarget target) {
      super(real);
      this.target = target;
    }

    @Override
    public void execute(Task task) {
      ByteBuffer out = task.dataOut();
      byte[] cdb = task.cdb();
      if (cdb[0] == WRITE_10 && out != null) {
        ByteBuffer copy = ByteBuffer.allocate(out.remaining()).put(out.duplicate()).flip();
        int lun = (int) (task.lun() >>> 48);
        long sector = ByteBuffer.wrap(cdb).getInt(2);
        writes.add(new Write(task.nexus(), task.tag(), lun, sector, copy));
        if (writes.size() > REMEMBERED) {
          writes.removeFirst();
        }
      }
      super.execute(task);
    }

    void again(Predicate<Write> which) {
      for (Write write : writes.stream().filter(which).toList()) {
        String device = write.lun == 0 ? "origin" : "snap";
        target
            .scheduler()
            .schedule(
                () ->
                    target
                        .machine()
                        .device(device)
                        .submit(Io.write(write.sector, write.data, false, (io, error) -> {})),
                LATER);
      }
    }
  }

  /** Passes everything on. */
  private static class Passed implements TaskRouter {
    private final TaskRouter real;

    Passed(TaskRouter real) {
      this.real = real;
    }

    @Override
    public Nexus open(InitiatorPort initiator, int portalGroupTag) {
      return real.open(initiator, portalGroupTag);
    }

    @Override
    public void close(Nexus nexus) {
      real.close(nexus);
    }

    @Override
    public void prepare(Task task) {
      real.prepare(task);
    }

    @Override
    public boolean pace(Task task) {
      return real.pace(task);
    }

    @Override
    public void execute(Task task) {
      real.execute(task);
    }

    @Override
    public void abandon(Task task) {
      real.abandon(task);
    }

    @Override
    public void manage(
        Nexus nexus,
        TaskManagementFunction function,
        long lun,
        int tag,
        Consumer<TaskManagementFunction.Response> done) {
      real.manage(nexus, function, lun, tag, done);
    }
  }
}
