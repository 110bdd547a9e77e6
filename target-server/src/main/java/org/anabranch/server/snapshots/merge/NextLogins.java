// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots.merge;

import java.time.Instant;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The merges that begin at the next login of an initiator. Any thread; never blocks. Nothing of it
 * outlives the process: after a restart of the server its initiators log in again by themselves,
 * and that is no reboot.
 */
public final class NextLogins {
  /**
   * One of them.
   *
   * @param snapshot to roll back to
   * @param devices whose next login it is
   * @param initiator whose login it is
   * @param until when it stops waiting for a login
   * @param over completes when the merge has begun, or will not begin at a login
   */
  record Awaited(
      String snapshot,
      Set<String> devices,
      String initiator,
      Instant until,
      CompletableFuture<@Nullable Void> over) {}

  private final Map<String, Awaited> bySnapshot = new HashMap<>(); // guarded by this
  private final Set<String> begun = new java.util.HashSet<>(); // guarded by this

  synchronized void add(String snapshot, Set<String> devices, String initiator, Instant until) {
    bySnapshot.put(
        snapshot, new Awaited(snapshot, devices, initiator, until, new CompletableFuture<>()));
    begun.remove(snapshot);
  }

  synchronized @Nullable Awaited of(String snapshot) {
    return bySnapshot.get(snapshot);
  }

  /** Ends one; whether there was one. Logins that wait for it go on. */
  boolean remove(String snapshot) {
    Awaited removed;
    synchronized (this) {
      removed = bySnapshot.remove(snapshot);
      begun.remove(snapshot);
    }
    if (removed != null) {
      removed.over().complete(null);
    }
    return removed != null;
  }

  /**
   * An initiator logs in.
   *
   * @param begin is given the one that is to begin now, once
   * @return completes when that has begun
   */
  CompletionStage<@Nullable Void> login(
      String initiator, Set<String> devices, Consumer<Awaited> begin) {
    Awaited mine;
    boolean first;
    synchronized (this) {
      mine = find(initiator, devices);
      first = mine != null && begun.add(mine.snapshot());
    }
    if (mine == null) {
      return CompletableFuture.completedFuture(null);
    }
    if (first) {
      begin.accept(mine);
    }
    return mine.over();
  }

  /** The one that a login of this initiator begins, or null. */
  synchronized @Nullable Awaited find(String initiator, Set<String> devices) {
    return bySnapshot.values().stream()
        .filter(each ->
            each.initiator().equals(initiator) && !Collections.disjoint(each.devices(), devices))
        .findAny()
        .orElse(null);
  }
}
