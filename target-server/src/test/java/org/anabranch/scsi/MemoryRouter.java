// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

import java.nio.ByteBuffer;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One logical unit in memory, just enough SCSI for tests of a transport: TEST UNIT READY, INQUIRY,
 * REPORT LUNS, READ CAPACITY, READ and WRITE 10/16. Any other command ends in CHECK CONDITION.
 * Commands run on the executor, so that a test can hold them back.
 */
public final class MemoryRouter implements TaskRouter {
  public static final int BLOCK = 512;
  private static final byte[] INVALID_OPCODE = sense(0x05, 0x20, 0x00);

  private final byte[] disk;
  private final Executor executor;
  private final Set<Task> prepared = ConcurrentHashMap.newKeySet();
  private final Set<Nexus> open = ConcurrentHashMap.newKeySet();

  public MemoryRouter(int blocks, Executor executor) {
    this.disk = new byte[blocks * BLOCK];
    this.executor = executor;
  }

  public byte[] disk() {
    return disk;
  }

  /** Nexuses that are open now. */
  public Set<Nexus> nexuses() {
    return open;
  }

  /** Tasks that have not ended. */
  public Set<Task> tasks() {
    return prepared;
  }

  @Override
  public Nexus open(InitiatorPort initiator, TargetPort port, NexusListener listener) {
    Nexus nexus = new Nexus(initiator, port, listener);
    open.add(nexus);
    return nexus;
  }

  @Override
  public void close(Nexus nexus) {
    open.remove(nexus);
    for (Task task : prepared) {
      if (task.nexus() == nexus) {
        abandon(task);
      }
    }
  }

  @Override
  public void prepare(Task task) {
    byte[] cdb = task.cdb();
    prepared.add(task);
    switch (cdb[0]) {
      case 0x00 -> task.needs(0, 0);
      case 0x12 -> task.needs(0, Math.min(36, (cdb[3] & 0xff) << 8 | cdb[4] & 0xff));
      case 0x25 -> task.needs(0, 8);
      case 0x28 -> task.needs(0, length(cdb));
      case 0x2a -> task.needs(length(cdb), 0);
      case (byte) 0x9e -> task.needs(0, 32);
      case (byte) 0xa0 -> task.needs(0, 16);
      default -> end(task, Status.CHECK_CONDITION, INVALID_OPCODE, 0);
    }
  }

  private static int length(byte[] cdb) {
    return ((cdb[7] & 0xff) << 8 | cdb[8] & 0xff) * BLOCK;
  }

  @Override
  public void execute(Task task) {
    executor.execute(() -> run(task));
  }

  private void run(Task task) {
    byte[] cdb = task.cdb();
    int at = ByteBuffer.wrap(cdb).getInt(2) * BLOCK;
    ByteBuffer in = task.dataIn() == null ? null : task.dataIn().duplicate();
    ByteBuffer out = task.dataOut() == null ? null : task.dataOut().duplicate();
    int length = task.dataInLength();
    switch (cdb[0]) {
      case 0x12 -> fill(in, new byte[] {0, 0, 6, 2, 31, 0, 0, 2});
      case 0x25 ->
          fill(in, ByteBuffer.allocate(8).putInt(disk.length / BLOCK - 1).putInt(BLOCK).array());
      case 0x28 -> {
        if (in != null) {
          in.put(disk, at, length);
        }
      }
      case 0x2a -> {
        if (out != null) {
          out.get(disk, at, out.remaining());
        }
      }
      case (byte) 0x9e ->
          fill(in, ByteBuffer.allocate(32).putLong(disk.length / BLOCK - 1L).putInt(BLOCK).array());
      case (byte) 0xa0 -> fill(in, new byte[] {0, 0, 0, 8});
      default -> {}
    }
    end(task, Status.GOOD, new byte[0], length);
  }

  private static void fill(@Nullable ByteBuffer in, byte[] data) {
    for (int i = 0; in != null && in.hasRemaining(); i++) {
      in.put(i < data.length ? data[i] : 0);
    }
  }

  private void end(Task task, Status status, byte[] sense, int transferred) {
    if (prepared.remove(task)) {
      task.end(status, sense, transferred);
    }
  }

  @Override
  public void abandon(Task task) {
    if (prepared.remove(task)) {
      task.endAborted();
    }
  }

  @Override
  public void manage(
      Nexus nexus,
      TaskManagementFunction function,
      long lun,
      int tag,
      Consumer<TaskManagementFunction.Response> done) {
    boolean found = false;
    for (Task task : prepared) {
      if (function != TaskManagementFunction.ABORT_TASK
          || task.nexus() == nexus && task.tag() == tag) {
        found = true;
        abandon(task);
      }
    }
    boolean missing = function == TaskManagementFunction.ABORT_TASK && !found;
    done.accept(
        missing
            ? TaskManagementFunction.Response.TASK_DOES_NOT_EXIST
            : TaskManagementFunction.Response.COMPLETE);
  }

  /** Raises an asynchronous event at a nexus. */
  public void raise(Nexus nexus, long lun, byte[] senseData) {
    nexus.listener().asynchronousEvent(lun, senseData);
  }

  public static byte[] sense(int key, int code, int qualifier) {
    byte[] sense = new byte[18];
    sense[0] = 0x70;
    sense[2] = (byte) key;
    sense[7] = 10;
    sense[12] = (byte) code;
    sense[13] = (byte) qualifier;
    return sense;
  }
}
