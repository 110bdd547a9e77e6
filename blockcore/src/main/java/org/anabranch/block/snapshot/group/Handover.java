// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import org.anabranch.block.BlockDevice;
import org.anabranch.block.dm.TableException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Handover of a COW store in use from a target of one table, the source, to a target of another
 * one, the destination: to start a merge, to change the size, or with the same arguments.
 *
 * <pre>
 *   load the destination   finds that the source has the store; reads nothing
 *   suspend the source
 *   resume the destination gets the store, unchanged; the source now fails its requests
 *   remove the source
 * </pre>
 *
 * <p>At most two targets name one COW device. The order is enforced:
 *
 * <ul>
 *   <li>a third one is refused, and so is a second one while the first was never resumed;
 *   <li>the destination cannot be resumed before the source is suspended;
 *   <li>the source cannot be resumed before the destination has the store;
 *   <li>if the source is removed first, the destination is invalid.
 * </ul>
 *
 * <p>What is handed over is the whole {@link Snapshot}, by reference, under the group's lock. So
 * copies started by writes to the origin continue and end in the same object, and nothing needs to
 * be stopped. Check and handover happen while the lock is held once; from then on, writes to the
 * origin make copies for the destination. If its resume fails afterwards, because another row
 * refuses, it keeps the store, suspended, and can hand it over to a third table.
 */
final class Handover {
  private static final Logger LOG = LoggerFactory.getLogger(Handover.class);

  private final OriginGroup group;

  Handover(OriginGroup group) {
    this.group = group;
  }

  /**
   * Makes {@code target} a member of its group. With the group's lock held.
   *
   * @return whether it is the destination of a handover and must not load the store
   * @throws TableException if the pairing is not allowed; it is not a member then
   */
  boolean register(CowTarget target) throws TableException {
    CowTarget source = null;
    CowTarget merging = null;
    int sharing = 0;
    for (CowTarget other : group.members) {
      if (other.merges()) {
        merging = other;
      }
      if (other.cow().equals(target.cow())) {
        sharing++;
        source = other;
      }
    }
    if (sharing > 1 || (source != null && !source.active())) {
      throw new TableException("Snapshot cow pairing for exception table handover failed");
    }
    if (target.merges()) {
      if (merging != null) {
        throw new TableException("A snapshot is already merging.");
      }
      Snapshot snapshot = source == null ? null : source.snapshot();
      if (snapshot != null && !snapshot.store.canMerge()) {
        throw new TableException("Snapshot exception store does not support snapshot-merge.");
      }
    }
    group.members.add(target);
    return source != null;
  }

  /**
   * Hands the store over to {@code target} if it waits for one. With the group's lock held.
   *
   * @throws TableException if the source is not suspended
   */
  void resuming(CowTarget target) throws TableException {
    CowTarget other = partner(target);
    if (other == null) {
      return;
    }
    Snapshot snapshot = other.snapshot();
    if (target.awaitsHandover() && snapshot != null) {
      if (!other.suspended()) {
        throw new TableException("Unable to perform snapshot handover until source is suspended.");
      }
      other.handOver(target);
      if (target.merges()) {
        group.follow();
      }
      LOG.info("{}: the store on {} was handed over", target, target.cow().name());
    } else if (other.awaitsHandover()) {
      throw new TableException("Unable to resume snapshot source until handover completes.");
    }
  }

  /** Ends {@code target}'s membership. With the group's lock held. */
  void unregister(CowTarget target) {
    CowTarget other = partner(target);
    if (other != null && target.snapshot() != null && other.awaitsHandover()) {
      LOG.error("{}: Cancelling snapshot handover.", other);
      other.cancel();
    }
    group.members.remove(target);
    group.rolesChanged();
  }

  private @Nullable CowTarget partner(CowTarget target) {
    BlockDevice cow = target.cow();
    for (CowTarget other : group.members) {
      if (!other.equals(target) && other.cow().equals(cow)) {
        return other;
      }
    }
    return null;
  }
}
