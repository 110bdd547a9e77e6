// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.cache;

import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.Io;

/** A write with an entry in the ring, from its commit until it has ended below. */
final class CachedWrite extends Pending {
  /** What was sent; the sender's again once it is acknowledged. */
  final Io io;

  final RingEntry entry;
  final long number;
  final long sector;
  final long end;

  // Guarded by the cache's lock.
  boolean acknowledged;
  boolean ended;
  final List<Pending> followers = new ArrayList<>(0);

  CachedWrite(Io io, RingEntry entry, long number) {
    this.io = io;
    this.entry = entry;
    this.number = number;
    this.sector = io.sector();
    this.end = io.end();
  }
}
