// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import org.anabranch.block.DeferringLock;
import org.anabranch.block.Io;
import org.anabranch.block.store.ExceptionStore.Allocation;
import org.jspecify.annotations.Nullable;

/**
 * Chunks on their way from the origin to the COW device. Guarded by the group's lock.
 *
 * <pre>
 *   FILLING ------> FILLED --------> COMMITTING ------> DRAINING ------> gone
 *   data copied     until all        store writes the   until earlier
 *   or written      before it are    record durably     reads of the
 *                   filled, too                         origin end
 * </pre>
 *
 * <table>
 * <caption>Effect on requests</caption>
 * <tr><th></th><th>read of the snapshot</th><th>write to the snapshot</th><th>write to the origin</th></tr>
 * <tr><td>none yet</td><td>origin</td><td>starts one</td><td>starts one</td></tr>
 * <tr><td>until COMMITTING ends</td><td>origin</td><td>waits</td><td>waits</td></tr>
 * <tr><td>DRAINING</td><td>COW device</td><td>COW device</td><td>waits</td></tr>
 * <tr><td>gone</td><td>COW device</td><td>COW device</td><td>goes on</td></tr>
 * </table>
 *
 * <p>A write that covers whole chunks needs no copy: it fills the chunks itself, and completes when
 * they are committed. Waiting requests are routed again at the end, and may have to wait for
 * another exception. Exceptions are committed in the order of their allocation, whatever the order
 * of the copies: a gap in the list would be space lost after a crash. A failed copy invalidates the
 * snapshot, and its slot is committed as invalid.
 */
final class PendingException {
  final long old;
  final Allocation allocation;

  /** When it was started, by the scheduler's clock. */
  final long begun;

  /** Opens when the exception is on the list, or the snapshot is invalid. */
  final Gate committed;

  /** Opens when the origin may change, too. */
  final Gate originFree;

  /** The write that fills the chunks; null if they are copied. */
  @Nullable Io filling;

  /** Whether {@link #good} is known. */
  boolean filled;

  boolean good;

  PendingException(DeferringLock lock, long old, Allocation allocation, long begun) {
    this.old = old;
    this.begun = begun;
    this.allocation = allocation;
    this.committed = new Gate(lock);
    this.originFree = new Gate(lock);
  }

  /** The chunk after the last one. */
  long end() {
    return old + allocation.count();
  }
}
