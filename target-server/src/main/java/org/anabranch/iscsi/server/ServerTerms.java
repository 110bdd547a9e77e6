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
import org.anabranch.iscsi.shares.LoginPace;
import org.anabranch.iscsi.shares.UnsentBytes;
import org.jspecify.annotations.Nullable;

/** Limits, nodes and memory of one server, as its logins and sessions see them. Any thread. */
final class ServerTerms implements SessionTerms {
  private final SessionEvents events;

  /** A login is offered what as many more sessions could have, too. */
  private static final int MORE_SESSIONS = 32;

  private final Counts counts = new Counts();
  private final ChapDelays chapDelays = new ChapDelays(System::nanoTime);
  private final LoginPace loginPace = new LoginPace(System::nanoTime);
  private final Discovery sendTargets;
  private final DataMemory firstPlaceMemory;
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
    long half = limits.dataMemory() / 2;
    this.firstPlaceMemory = new DataMemory(firstPlaces(limits));
    this.placeMemory = new DataMemory(half - firstPlaces(limits));
    this.memory = new DataMemory(half);
    this.unsent = new UnsentBytes(limits.unsentBytes());
  }

  /**
   * Bytes of a place for each session that may come, so that those who use many shut nobody out.
   */
  private static long firstPlaces(IscsiLimits limits) {
    long each = limits.firstBurstLength();
    return Math.min(limits.sessions(), limits.dataMemory() / 4 / each) * each;
  }

  void limits(IscsiLimits changed) {
    limits = changed;
    unsent.most(changed.unsentBytes());
    firstPlaceMemory.capacity(firstPlaces(changed));
    placeMemory.capacity(changed.dataMemory() / 2 - firstPlaces(changed));
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
    long fair = placeMemory.free() / (MORE_SESSIONS * PLACES);
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
  public LoginPace loginPace() {
    return loginPace;
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
  public DataMemory firstPlaceMemory() {
    return firstPlaceMemory;
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
