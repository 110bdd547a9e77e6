// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.HashSet;
import java.util.Set;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.data.CheckCondition;

/**
 * The medium of a logical unit: whether it is present, and which nexuses prevent its removal
 * (PREVENT ALLOW MEDIUM REMOVAL, SPC-4 6.15). The medium of a fixed disk is always present.
 */
public final class Medium {
  private final boolean removable;
  private final Object lock = new Object();

  /** Written under lock. */
  private volatile boolean loaded = true;

  /** The nexuses that prevent removal. */
  @GuardedBy("lock")
  private final Set<Nexus> preventing = new HashSet<>();

  Medium(boolean removable) {
    this.removable = removable;
  }

  boolean isLoaded() {
    return loaded;
  }

  void checkReady() throws CheckCondition {
    if (!loaded) {
      throw new CheckCondition(SenseCode.MEDIUM_NOT_PRESENT);
    }
  }

  /** PREVENT: the nexus prevents removal. */
  public void prevent(Nexus nexus) {
    synchronized (lock) {
      preventing.add(nexus);
    }
  }

  /** ALLOW, or the loss of the nexus: it prevents removal no longer. */
  public void allow(Nexus nexus) {
    synchronized (lock) {
      preventing.remove(nexus);
    }
  }

  /** A reset: all nexuses allow removal. */
  void allowAll() {
    synchronized (lock) {
      preventing.clear();
    }
  }

  public boolean isPrevented() {
    synchronized (lock) {
      return !preventing.isEmpty();
    }
  }

  /** Ejects the medium. False if it is fixed or was not present. */
  public boolean eject() {
    synchronized (lock) {
      boolean was = loaded;
      loaded = !removable;
      return was && !loaded;
    }
  }

  /** Loads the medium. False if it was present. */
  public boolean load() {
    synchronized (lock) {
      boolean was = loaded;
      loaded = true;
      return !was;
    }
  }
}
