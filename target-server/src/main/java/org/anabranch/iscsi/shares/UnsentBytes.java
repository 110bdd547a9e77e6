// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.shares;

import java.util.concurrent.atomic.AtomicLong;

/**
 * The bytes that wait until peers read them, over all connections. When there are too many, each
 * connection may queue only little more, until its peer has read what waits. Any thread.
 */
public final class UnsentBytes {
  private final AtomicLong bytes = new AtomicLong();
  private volatile long most;

  /** Nothing waits yet. */
  public UnsentBytes(long most) {
    this.most = most;
  }

  /** Changes from how many bytes on there are too many. */
  public void most(long changed) {
    most = changed;
  }

  /** More bytes wait, or fewer. */
  public void add(long more) {
    bytes.addAndGet(more);
  }

  /** How many bytes wait. */
  public long bytes() {
    return bytes.get();
  }

  /** Whether there are too many. */
  public boolean isOver() {
    return bytes.get() > most;
  }
}
