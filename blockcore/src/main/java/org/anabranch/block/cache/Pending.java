// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.cache;

/** What goes down when the entries have ended that it overlaps. Guarded by the cache's lock. */
class Pending {
  /** Entries that it waits for. */
  int blockers;

  /** Goes down. Called without the lock. */
  Runnable go = () -> {};
}
