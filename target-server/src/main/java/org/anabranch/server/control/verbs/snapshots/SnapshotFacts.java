// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.snapshots;

import java.time.Instant;
import org.anabranch.block.snapshot.SnapshotStatus;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Doc;
import org.anabranch.server.snapshots.Snapshots;
import org.anabranch.server.state.SnapshotState;
import org.jspecify.annotations.Nullable;

/** What every snapshot has, whether it is merged or not. */
public record SnapshotFacts(
    @Doc("VOLUME@NAME") String name,
    @Doc("the volume that it is a snapshot of") String volume,
    @Doc("a time") Instant created,
    @Doc("a UUID that identifies what it holds: the same where it was received as a stream")
        String point,
    @Doc("how long it is: as its volume was when it was taken") long bytes,
    @Doc(
            "creating, ready, waiting (merge when nobody uses the volume), queued (merge after"
                + " another), merging, removing; left-out: its volume is not served")
        Phase phase,
    @Doc("whether initiators cannot write to it") boolean readOnly,
    @Doc("what it copies at once") long chunkBytes,
    @Doc("the address of its COW store: a file, or an image as rbd:POOL/IMAGE") String store,
    @Doc(
            "of the store that are used, its own records included; absent while there is no such device")
        @Nullable Long storeUsedBytes,
    @Doc("that the store has for its own records; while no more are used, nothing has changed")
        @Nullable Long storeMetadataBytes,
    @Doc("that the store can hold now") @Nullable Long storeLimitBytes,
    @Doc(
            "dmsetup's: ALLOCATED/TOTAL METADATA in sectors, Invalid, ...; empty while there is no"
                + " such device")
        String status,
    @Doc("what somebody noted about it; absent when nobody did") @Nullable String description) {
  /** How far the life of a snapshot has come, as far as anybody can see. */
  public enum Phase {
    CREATING,
    READY,
    WAITING,
    QUEUED,
    MERGING,
    REMOVING,
    LEFT_OUT;

    static Phase of(SnapshotState.Phase phase) {
      return valueOf(phase.name());
    }
  }

  static SnapshotFacts of(SnapshotState snapshot, Snapshots snapshots) throws RefusedException {
    @Nullable SnapshotStatus usage = snapshots.state(snapshot);
    return new SnapshotFacts(
        snapshot.device(),
        snapshot.volume(),
        snapshot.created(),
        snapshot.pointId(),
        snapshot.sectors() * 512,
        snapshots.isServed(snapshot) ? Phase.of(snapshot.phase()) : Phase.LEFT_OUT,
        snapshot.readOnly(),
        snapshot.chunkSectors() * 512L,
        snapshot.deviceStore(),
        usage == null ? null : (Long) (usage.allocatedSectors() * 512),
        usage == null ? null : (Long) (usage.metadataSectors() * 512),
        usage == null ? null : (Long) (usage.totalSectors() * 512),
        snapshots.status(snapshot),
        snapshot.description().isEmpty() ? null : snapshot.description());
  }
}
