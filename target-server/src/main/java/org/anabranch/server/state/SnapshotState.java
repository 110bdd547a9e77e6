// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A snapshot as the state file remembers it. Its phase says what a start after a crash must do:
 *
 * <pre>
 *   phase      what may be on disk                         at the next start
 *   CREATING   a store, or part of one, or none            the store is deleted, the entry goes: never was
 *   READY      a whole store, perhaps a second one         the snapshot is activated before any write
 *   WAITING    a whole store; merge when nobody uses it    it waits on: who is away still uses the volume
 *   QUEUED     a whole store; merge after the one before    the merge starts, or waits for that one
 *   MERGING    a store, part of it merged back             the merge goes on
 *   REMOVING   a store, or part of one, or none            the store is deleted, the entry goes
 * </pre>
 *
 * Each phase is durable in the state file before the first step that it announces. So a crash
 * between any two steps leaves the old world (CREATING, WAITING, QUEUED) or the new one (MERGING,
 * REMOVING).
 *
 * @param volume the origin's name
 * @param name unique in its volume
 * @param origin address of the volume's image when the snapshot was taken; null when an older
 *     version took it
 * @param store the COW store's address: an absolute path, or that of an image where other servers
 *     reach it, too
 * @param sectors how long the volume was when it was taken
 * @param chunkSectors chunk size in sectors
 * @param readOnly nobody may write to the snapshot
 * @param created when it was taken
 * @param phase see above
 * @param paused the merge was paused by hand
 * @param turn among the merges of a volume that wait, the lowest is first; 0: none was asked for
 * @param throttle the most bytes a second that its merge may move; 0: as many as it can
 * @param description what somebody noted about it; one line, empty when there is nothing
 * @param point identifies what the snapshot holds, wherever it is: a snapshot that was received as
 *     a stream has the point of the one that was sent; null when an older version took it
 * @param secondStore the address of another store. Until the end of a merge, the one that the
 *     snapshot has when it is kept; after it, the one that was merged, which is to be deleted.
 *     Null: there is none, and a merge consumes the snapshot
 * @param scheduled which run of a schedule made it; null when somebody did, or has renamed it
 */
public record SnapshotState(
    String volume,
    String name,
    @Nullable String origin,
    String store,
    long sectors,
    int chunkSectors,
    boolean readOnly,
    Instant created,
    Phase phase,
    boolean paused,
    long turn,
    long throttle,
    String description,
    @Nullable String point,
    @Nullable String secondStore,
    @Nullable ScheduledBy scheduled) {
  /** The most characters of a description. */
  public static final int MAX_DESCRIPTION = 255;

  /** How far the life of a snapshot has come. */
  public enum Phase {
    CREATING,
    READY,
    WAITING,
    QUEUED,
    MERGING,
    REMOVING
  }

  /** {@code volume@name}, which is also the mapped device's name. */
  public String device() {
    return volume + "@" + name;
  }

  /** {@link #point}; for a snapshot of an older version the same one each time. */
  public String pointId() {
    return point != null
        ? point
        : UUID.nameUUIDFromBytes(
                (origin + "\n" + store.substring(store.lastIndexOf('/') + 1) + "\n" + created)
                    .getBytes(StandardCharsets.UTF_8))
            .toString();
  }

  /** As one that was received: of this point, taken then. */
  public SnapshotState of(String newPoint, Instant taken) {
    return new SnapshotState(
        volume,
        name,
        origin,
        store,
        sectors,
        chunkSectors,
        readOnly,
        taken,
        phase,
        paused,
        turn,
        throttle,
        description,
        newPoint,
        secondStore,
        scheduled);
  }

  /** Whether it is to be merged and is kept, with an empty store. */
  public boolean keeps() {
    return secondStore != null
        && (phase == Phase.WAITING || phase == Phase.QUEUED || phase == Phase.MERGING);
  }

  /** Whether its stores are no files of this machine: other servers reach them. */
  public boolean isShared() {
    return !store.startsWith("/");
  }

  /** With the stores and the origin named otherwise. */
  public SnapshotState addressed(@Nullable String newOrigin, UnaryOperator<String> stores) {
    return new SnapshotState(
        volume,
        name,
        newOrigin,
        stores.apply(store),
        sectors,
        chunkSectors,
        readOnly,
        created,
        phase,
        paused,
        turn,
        throttle,
        description,
        point,
        secondStore == null ? null : stores.apply(secondStore),
        scheduled);
  }

  /** The store of the snapshot's own device, not of a merge. */
  public String deviceStore() {
    return phase == Phase.MERGING && secondStore != null ? secondStore : store;
  }

  /** The addresses of all its stores. */
  public List<String> stores() {
    return secondStore == null ? List.of(store) : List.of(store, secondStore);
  }

  /** After its merge, which kept it: its stores have changed places. */
  public SnapshotState kept() {
    return new SnapshotState(
        volume,
        name,
        origin,
        deviceStore(),
        sectors,
        chunkSectors,
        readOnly,
        created,
        Phase.READY,
        false,
        0,
        0,
        description,
        pointId(), // which may come from the name of the first store
        store,
        scheduled);
  }

  /** With another second store, or without one. */
  public SnapshotState withSecondStore(@Nullable String second) {
    return with(volume, name, description, second);
  }

  /** In another phase; its turn is kept while its merge is to come. */
  public SnapshotState in(Phase newPhase) {
    boolean hasTurn = newPhase == Phase.WAITING || newPhase == Phase.QUEUED;
    return in(newPhase, hasTurn ? turn : 0);
  }

  /** To be merged, by its turn. */
  public SnapshotState in(Phase newPhase, long newTurn) {
    return with(newPhase, paused, newTurn, throttle);
  }

  /** With its merge paused by hand, or not. */
  public SnapshotState withPaused(boolean isPaused) {
    return with(phase, isPaused, turn, throttle);
  }

  /** With another bound of the merge's speed. */
  public SnapshotState withThrottle(long bytesPerSecond) {
    return with(phase, paused, turn, bytesPerSecond);
  }

  /** All that changes in the life of a snapshot. */
  private SnapshotState with(Phase newPhase, boolean isPaused, long newTurn, long newThrottle) {
    return new SnapshotState(
        volume,
        name,
        origin,
        store,
        sectors,
        chunkSectors,
        readOnly,
        created,
        newPhase,
        isPaused,
        newTurn,
        newThrottle,
        description,
        point,
        secondStore,
        scheduled);
  }

  /** As one that no schedule has made: somebody wants to keep it. */
  public SnapshotState withoutSchedule() {
    return new SnapshotState(
        volume,
        name,
        origin,
        store,
        sectors,
        chunkSectors,
        readOnly,
        created,
        phase,
        paused,
        turn,
        throttle,
        description,
        point,
        secondStore,
        null);
  }

  /** With another description. */
  public SnapshotState withDescription(String text) {
    return with(volume, name, text, secondStore);
  }

  /** With another name, and of a volume that may have another name; its store stays where it is. */
  public SnapshotState named(String newVolume, String newName) {
    return with(newVolume, newName, description, secondStore);
  }

  private SnapshotState with(
      String newVolume, String newName, String text, @Nullable String second) {
    return new SnapshotState(
        newVolume,
        newName,
        origin,
        store,
        sectors,
        chunkSectors,
        readOnly,
        created,
        phase,
        paused,
        turn,
        throttle,
        text,
        point,
        second,
        scheduled);
  }
}
