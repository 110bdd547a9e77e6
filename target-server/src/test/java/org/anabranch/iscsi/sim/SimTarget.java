// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.sim;

import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.anabranch.block.Limits;
import org.anabranch.block.dm.SuspendMode;
import org.anabranch.block.sim.Machine;
import org.anabranch.block.sim.ModelDevice;
import org.anabranch.block.sim.SimScheduler;
import org.anabranch.block.sim.Trace;
import org.anabranch.initiator.TaskManagement;
import org.anabranch.iscsi.TestTarget;
import org.anabranch.iscsi.login.Portal;
import org.anabranch.iscsi.login.TargetNode;
import org.anabranch.iscsi.server.IscsiServer;
import org.anabranch.iscsi.server.ServerInsides;
import org.anabranch.naming.AccessList;
import org.anabranch.scsi.api.TargetPort;
import org.anabranch.scsi.command.DiskUnit;
import org.anabranch.scsi.data.UnitIdentity;
import org.anabranch.scsi.device.TargetDevice;
import org.anabranch.scsi.unit.UnitProperties;
import org.jspecify.annotations.Nullable;

/**
 * The iSCSI server on a simulated machine, with an origin at LUN 0 and its snapshot at LUN 1, and
 * what its initiators must know of each other: what the LUNs read as, and which resets there were.
 */
final class SimTarget {
  static final String NAME = "iqn.2026-11.org.anabranch:sim";
  static final int LUNS = 2;

  /** Every LUN. */
  static final int ALL = -1;

  static final int SECTORS = 600;
  private static final int LOOPS = 2;
  private static final int DATA_MEMORY = 1 << 21;
  private static final String[] DEVICES = {"origin", "snap"};

  /**
   * Something that aborts the commands of others.
   *
   * @param by whose they are not
   * @param announces whether the others get a unit attention
   * @param began by the model's clock
   */
  record Reset(SimInitiator by, int lun, boolean announces, long began) {
    boolean concerns(int unit) {
      return lun == ALL || lun == unit;
    }
  }

  private final Machine machine;
  private final IscsiSabotage sabotage;
  private final SplittableRandom random;
  private final UnpooledByteBufAllocator memory = new UnpooledByteBufAllocator(false, true);
  private final List<SimEventLoop> loops = new ArrayList<>();
  private final IscsiServer server;
  private final Portal portal;
  private final ModelDevice.Clock clock = new ModelDevice.Clock();
  private final List<ModelDevice> models = new ArrayList<>();
  private final Reservations reservations = new Reservations();
  private final List<SimInitiator> initiators = new ArrayList<>();
  private final Set<Reset> resets = new LinkedHashSet<>();
  private final Set<IscsiReached> reached = EnumSet.noneOf(IscsiReached.class);
  private boolean busy = true;
  private long stamps;
  private int ports = 10_000;

  SimTarget(SplittableRandom random, Trace trace, IscsiSabotage sabotage) {
    this.random = random;
    this.sabotage = sabotage;
    this.machine = new Machine(random.nextLong(), trace);
    machine.addDisk("vol", SECTORS, Limits.DEFAULT);
    machine.addDisk("cow", 2L * SECTORS, Limits.DEFAULT);
    create("snap", "0 " + SECTORS + " snapshot vol cow P 8 1 discard_zeroes_cow");
    create("origin", "0 " + SECTORS + " snapshot-origin vol");
    for (int i = 0; i < LOOPS; i++) {
      loops.add(new SimEventLoop(scheduler()));
    }
    TestTarget.Limits limits =
        new TestTarget.Limits()
            .dataMemory(DATA_MEMORY)
            .queueDepth(32)
            .sendTimeout(Duration.ofSeconds(12))
            .ping(Duration.ofSeconds(20), Duration.ofSeconds(20));
    server = ServerInsides.over(loops.getFirst(), limits.build());
    TargetDevice device = new TargetDevice(List.of(new TargetPort(NAME, 1, 1)), scheduler());
    for (int lun = 0; lun < LUNS; lun++) {
      models.add(new ModelDevice(clock, SECTORS));
      UnitProperties properties = UnitProperties.disk(UnitIdentity.of(NAME, DEVICES[lun]));
      device.attach(
          lun,
          DiskUnit.of(machine.device(DEVICES[lun]), properties, scheduler()),
          initiator -> true);
    }
    server.put(
        new TargetNode(
            NAME, null, sabotage.router(device, this), AccessList.EVERYBODY, List.of(), Set.of()));
    portal = new Portal(address(1, 3260), 1);
  }

  private void create(String name, String table) {
    machine.await(machine.mapper().create(name, table), "create " + name);
  }

  private static InetSocketAddress address(int host, int port) {
    try {
      return new InetSocketAddress(
          InetAddress.getByAddress(new byte[] {10, 0, 0, (byte) host}), port);
    } catch (UnknownHostException e) {
      throw new IllegalStateException(e);
    }
  }

  Machine machine() {
    return machine;
  }

  SimScheduler scheduler() {
    return machine.scheduler();
  }

  IscsiSabotage sabotage() {
    return sabotage;
  }

  IscsiServer server() {
    return server;
  }

  ModelDevice.Clock clock() {
    return clock;
  }

  ModelDevice model(int lun) {
    return models.get(lun);
  }

  Reservations reservations() {
    return reservations;
  }

  Set<IscsiReached> reached() {
    return reached;
  }

  long stamp() {
    return ++stamps;
  }

  /** Whether initiators are to send more. */
  boolean isBusy() {
    return busy;
  }

  /** From here on the initiators send nothing of their own accord. */
  void calmDown() {
    busy = false;
  }

  void add(SimInitiator initiator) {
    initiators.add(initiator);
  }

  SimInitiator owner(SimTasks tasks) {
    return initiators.stream().filter(one -> one.tasks() == tasks).findFirst().orElseThrow();
  }

  /** A new connection from an initiator, at one of the loops. */
  SimLink connect(SimWire wire, String from, SplittableRandom initiators) {
    SimLink link = wire.connect(initiators.split());
    SimChannel channel =
        new SimChannel(
            link, portal.address(), address(100 + from.charAt(from.length() - 1), ++ports), memory);
    link.attach(channel);
    channel
        .pipeline()
        .addLast(
            new ChannelInitializer<Channel>() {
              @Override
              protected void initChannel(Channel opened) {
                ServerInsides.accept(server, portal, opened);
              }
            });
    var _ = loops.get(random.nextInt(LOOPS)).register(channel);
    return link;
  }

  // --- resets --------------------------------------------------------------------------------

  /** An initiator is about to ask for something that aborts what others have in flight. */
  Reset begin(SimInitiator by, int lun, TaskManagement function) {
    boolean announces = function != TaskManagement.CLEAR_TASK_SET;
    Reset reset = new Reset(by, lun, announces, clock.tick());
    resets.add(reset);
    for (int unit = 0; unit < LUNS; unit++) {
      for (SimInitiator other : initiators) {
        if (other != by && reset.concerns(unit)) {
          other.tasks().mayVanish(unit);
        }
      }
    }
    return reset;
  }

  /** Whether somebody else's reset of that LUN may be under way. */
  boolean isBeingReset(SimTasks tasks, int lun) {
    return resets.stream().anyMatch(reset -> reset.by().tasks() != tasks && reset.concerns(lun));
  }

  /** A reset was answered: who sends something now has a unit attention coming. */
  void complete(@Nullable Reset reset) {
    over(reset);
    if (reset == null || !reset.announces()) {
      return;
    }
    reached.add(IscsiReached.RESET);
    long now = clock.tick();
    for (int lun = 0; lun < LUNS; lun++) {
      for (SimInitiator other : initiators) {
        if (other != reset.by() && reset.concerns(lun)) {
          other.tasks().owe(lun, reset.began(), now);
        }
      }
    }
  }

  /** It does nothing from now on. */
  void over(@Nullable Reset reset) {
    if (reset != null) {
      resets.remove(reset);
    }
  }

  // --- devices that hang ---------------------------------------------------------------------

  /** A device answers nothing for a while. */
  void hang(long nanos) {
    String device = DEVICES[random.nextInt(LUNS)];
    reached.add(IscsiReached.HUNG);
    scheduler().trace(() -> "== " + device + " hangs");
    machine.await(machine.mapper().suspend(device, SuspendMode.NOFLUSH), "suspend");
    boolean[] past = {false};
    scheduler().schedule(() -> past[0] = true, nanos);
    while (!past[0]) {
      scheduler().run(1);
    }
    scheduler().trace(() -> "== " + device + " goes on");
    machine.await(machine.mapper().resume(device), "resume");
  }

  // --- the end -------------------------------------------------------------------------------

  /** Everybody has gone: nothing may be left. */
  void assertNothingLeft() {
    scheduler().runToQuiescence();
    nothing("sessions", ServerInsides.sessions(server).all().size());
    nothing("connections", ServerInsides.connections(server));
    nothing("bytes unsent", ServerInsides.unsent(server));
    nothing("bytes of memory for data", DATA_MEMORY / 2 - ServerInsides.memory(server).free());
    nothing("bytes of memory for places", ServerInsides.heldForPlaces(server));
    nothing("bytes of direct buffers", memory.metric().usedDirectMemory());
    nothing("bytes of other buffers", memory.metric().usedHeapMemory());
    for (String device : List.of("origin", "snap")) {
      machine.await(machine.mapper().remove(device), "remove " + device);
    }
    scheduler().runToQuiescence();
    machine.close();
  }

  private static void nothing(String what, long count) {
    if (count != 0) {
      throw new AssertionError(count + " " + what + " are left");
    }
  }
}
