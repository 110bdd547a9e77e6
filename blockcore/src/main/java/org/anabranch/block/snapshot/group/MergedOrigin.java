// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.Limits;

/**
 * What an origin reads as while it is rolled back: the snapshot that is merged, and what was
 * written since. A snapshot that was taken when the merge began, to keep the restore point, has
 * this as its origin until the merge ends.
 *
 * <pre>
 *   the volume                snapshot-merge ---> its store, the image
 *   the kept snapshot         its own store, or MergedOrigin ---> as the volume
 *   the other snapshots       their own stores, or the image
 *
 *   what changes              who copies before
 *   the volume is written     the kept snapshot, by way of MergedOrigin; then the others, if it is
 *                             the image that changes
 *   a batch is merged         the others; to the kept snapshot nothing changes
 * </pre>
 *
 * For reads and block status only. They never wait for the merge. After its end they go to the
 * image, also those that were sent before and arrive late.
 */
final class MergedOrigin implements BlockDevice {
  private final MergeTarget merge;

  MergedOrigin(MergeTarget merge) {
    this.merge = merge;
  }

  @Override
  public String name() {
    return merge.origin.name();
  }

  @Override
  public long sectors() {
    return merge.origin.sectors();
  }

  @Override
  public Limits limits() {
    return merge.origin.limits();
  }

  @Override
  public void submit(Io io) {
    merge.view(io);
  }
}
