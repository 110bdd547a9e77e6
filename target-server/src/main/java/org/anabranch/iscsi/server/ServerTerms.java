// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.server;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Supplier;
import org.anabranch.block.count.Counts;
import org.anabranch.iscsi.login.ChapDelays;
import org.anabranch.iscsi.login.DiscoveryPolicy;
import org.anabranch.iscsi.login.IscsiLimits;
import org.anabranch.iscsi.login.LoginCounter;
import org.anabranch.iscsi.login.LoginRefusal;
import org.anabranch.iscsi.login.TargetNode;
import org.anabranch.iscsi.session.Discovery;
import org.anabranch.iscsi.session.SessionEvents;
import org.anabranch.iscsi.session.SessionTerms;
import org.anabranch.iscsi.shares.DataMemory;
import org.anabranch.iscsi.shares.UnsentBytes;
import org.jspecify.annotations.Nullable;

/** Limits, nodes and memory of one server, as its logins and sessions see them. Any thread. */
final class ServerTerms implements SessionTerms {
  private final SessionEvents events;

  /** A login is offered what as many more sessions could have, too. */
  private static final int MORE_SESSIONS = 32;

  private final Counts counts = new Counts();
  private final ChapDelays chapDelays = new ChapDelays(System::nanoTime);
  private final Discovery sendTargets;
  private final DataMemory placeMemory;
  private final DataMemory memory;
  private final UnsentBytes unsent;
  private final Map<String, TargetNode> nodes = new ConcurrentSkipListMap<>();
  private volatile IscsiLimits limits;
  private volatile DiscoveryPolicy discovery = DiscoveryPolicy.DEFAULT;

  /**
   * @param portals the portals that listen
   */
  ServerTerms(IscsiLimits limits, SessionEvents events, Supplier<List<BoundPortal>> portals) {
    this.limits = limits;
    counts.counters(LoginCounter.class); // so that they are read as zeros before the first login
    counts.counters(LoginRefusal.class);
    this.events = events;
    this.sendTargets = new SendTargets(nodes, portals);
    // Half for what may come unasked, half for what commands need beyond that: see CommandWindow.
    // The first keeps a place for each session that may come, so that wide windows shut nobody out.
    long half = limits.dataMemory() / 2;
    long places = (long) limits.sessions() * limits.firstBurstLength();
    this.placeMemory = new DataMemory(half, Math.min(places, half / 2));
    this.memory = new DataMemory(half);
    this.unsent = new UnsentBytes(limits.unsentBytes());
  }

  void limits(IscsiLimits changed) {
    limits = changed;
    unsent.most(changed.unsentBytes());
    placeMemory.capacity(changed.dataMemory() / 2);
    memory.capacity(changed.dataMemory() / 2);
  }

  void discovery(DiscoveryPolicy changed) {
    discovery = changed;
  }

  void put(TargetNode node) {
    nodes.put(node.name(), node);
  }

  void remove(String name) {
    nodes.remove(name);
  }

  @Override
  public IscsiLimits limits() {
    return limits;
  }

  @Override
  public IscsiLimits offered() {
    IscsiLimits now = limits;
    long fair = placeMemory.spare() / (MORE_SESSIONS * PLACES);
    int length = Math.clamp(fair, IscsiLimits.LEAST_FIRST_BURST, now.firstBurstLength());
    return length == now.firstBurstLength()
        ? now
        : now.withFirstBurstLength(Integer.highestOneBit(length));
  }

  @Override
  public DiscoveryPolicy discovery() {
    return discovery;
  }

  @Override
  public ChapDelays chapDelays() {
    return chapDelays;
  }

  @Override
  public Counts counts() {
    return counts;
  }

  @Override
  public @Nullable TargetNode node(String name) {
    return nodes.get(name);
  }

  @Override
  public DataMemory placeMemory() {
    return placeMemory;
  }

  @Override
  public DataMemory memory() {
    return memory;
  }

  /** What waits for peers to read it. */
  UnsentBytes unsent() {
    return unsent;
  }

  @Override
  public SessionEvents events() {
    return events;
  }

  @Override
  public Discovery sendTargets() {
    return sendTargets;
  }
}
