// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.copy;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.LinkedHashMap;
import java.util.Map;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.unit.UnitPart;
import org.jspecify.annotations.Nullable;

/**
 * The results of copies for RECEIVE COPY RESULTS, by nexus and list identifier (SPC-4 6.4.2). A
 * result is held until it is retrieved after the end of the copy, the identifier is used again, or
 * the nexus is lost. At most {@link #MAX} results are held; the oldest is dropped first.
 */
public final class CopyResults implements UnitPart {
  static final int MAX = 64;

  private record Name(Nexus nexus, int id) {}

  /** A copy: in progress while {@code ended} is false. */
  private static final class Copy {
    final CopyOperation operation;
    boolean ended;

    Copy(CopyOperation operation) {
      this.operation = operation;
    }
  }

  private final Object lock = new Object();

  /** Oldest first; the lock guards the copies in it, too. */
  @GuardedBy("lock")
  private final Map<Name, Copy> copies = new LinkedHashMap<>();

  /** Registers a copy that begins. False if one with the same identifier is running. */
  boolean begin(Nexus nexus, int id, CopyOperation operation) {
    synchronized (lock) {
      Copy before = copies.get(new Name(nexus, id));
      if (before != null && !before.ended) {
        return false;
      }
      copies.remove(new Name(nexus, id));
      copies.put(new Name(nexus, id), new Copy(operation));
      if (copies.size() > MAX) {
        copies.remove(copies.keySet().iterator().next());
      }
      return true;
    }
  }

  /** A copy ends, with or without errors; its result is held. */
  void hold(Nexus nexus, int id) {
    synchronized (lock) {
      Copy copy = copies.get(new Name(nexus, id));
      if (copy != null) {
        copy.ended = true;
      }
    }
  }

  /** A copy ends whose result nobody wants. */
  void discard(Nexus nexus, int id) {
    synchronized (lock) {
      copies.remove(new Name(nexus, id));
    }
  }

  @Override
  public void nexusLost(Nexus nexus) {
    synchronized (lock) {
      copies.keySet().removeIf(name -> name.nexus.equals(nexus));
    }
  }

  /**
   * The reply to COPY STATUS (SPC-4 6.31.3), or null if no such copy is known.
   *
   * @param delivered whether the initiator receives it; the result of a copy that has ended is then
   *     dropped
   */
  byte @Nullable [] status(Nexus nexus, int id, boolean delivered) {
    synchronized (lock) {
      Copy copy = copies.get(new Name(nexus, id));
      if (copy == null) {
        return null;
      }
      byte[] data = new byte[12];
      BigEndian.put32(data, 0, 8);
      data[4] = (byte) (!copy.ended ? 0 : copy.operation.isComplete() ? 1 : 2);
      BigEndian.put16(data, 5, copy.operation.processed());
      long mebibytes = copy.operation.written() >> 20;
      boolean inMebibytes = copy.operation.written() > 0xffff_ffffL;
      data[7] = (byte) (inMebibytes ? 2 : 0);
      BigEndian.put32(data, 8, inMebibytes ? mebibytes : copy.operation.written());
      if (copy.ended && delivered) {
        copies.remove(new Name(nexus, id));
      }
      return data;
    }
  }
}
