// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.sim;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.anabranch.block.sim.SimScheduler;
import org.anabranch.initiator.Opcode;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.Requests;
import org.anabranch.initiator.TaskManagement;
import org.jspecify.annotations.Nullable;

/**
 * An initiator with one session at a time: logs in, keeps commands in flight, aborts and resets,
 * loses connections and comes back. {@link SimTasks} holds the answers against the model.
 */
final class SimInitiator implements SimWire.User {
  private static final long LOGIN_PATIENCE = 40_000_000_000L;
  private static final long MAX_PAUSE = 400_000;

  /** A logout or ping that has not been answered. */
  private static final int LOGOUT_TAG = 0x7000_0001;

  private static final int PING_TAG = 0x7000_0002;

  private final String name;
  private final SimTarget target;
  private final SimScheduler scheduler;
  private final SplittableRandom random;
  private final SimTasks tasks;
  private final int depth;
  private SimWire wire;
  private @Nullable SimLink link;
  private boolean loggedIn;
  private boolean leaving;
  private boolean over;
  private boolean pinged;
  private long attempts;

  /** Requests of task management under way, by their tags. */
  private final Map<Integer, Managed> managed = new HashMap<>();

  private record Managed(
      TaskManagement function, @Nullable SimTask task, int lun, SimTarget.@Nullable Reset reset) {}

  SimInitiator(String name, SimTarget target, SplittableRandom random, int depth) {
    this.name = name;
    this.target = target;
    this.scheduler = target.scheduler();
    this.random = random;
    this.depth = depth;
    this.tasks = new SimTasks(name, target, random);
    this.wire = new SimWire(scheduler, name, this, target.sabotage());
    scheduler.describe(() -> over ? "" : this + " waits for " + tasks.all() + managed.keySet());
  }

  @Override
  public String toString() {
    return name + (loggedIn ? "" : " (not logged in)") + (leaving ? " (leaving)" : "");
  }

  SimTasks tasks() {
    return tasks;
  }

  /** Whether it has logged out, and does nothing more. */
  boolean isOver() {
    return over;
  }

  boolean isBusy() {
    return !tasks.isEmpty();
  }

  boolean isLoggedIn() {
    return loggedIn;
  }

  private void fail(String why) {
    scheduler.fail(new AssertionError(name + ": " + why));
  }

  // --- sessions ------------------------------------------------------------------------------

  /** Logs in on a new connection. If there is a session, it is reinstated. */
  void login() {
    long attempt = ++attempts;
    loggedIn = false;
    pinged = false;
    wire.forget();
    wire = new SimWire(scheduler, name + "#" + attempt, this, target.sabotage());
    link = target.connect(wire, name, random);
    String text =
        String.join(
            "\0",
            List.of(
                "InitiatorName=iqn.2026-11.org.example:" + name,
                "TargetName=" + SimTarget.NAME,
                "SessionType=Normal",
                "HeaderDigest=None",
                "DataDigest=None",
                "InitialR2T=" + (random.nextBoolean() ? "Yes" : "No"),
                "ImmediateData=" + (random.nextBoolean() ? "Yes" : "No"),
                "MaxRecvDataSegmentLength=" + (512 << random.nextInt(8)),
                "MaxBurstLength=" + (4096 << random.nextInt(4)),
                "FirstBurstLength=" + (512 << random.nextInt(4)),
                "MaxOutstandingR2T=" + (1 + random.nextInt(4)),
                "MaxConnections=1",
                "ErrorRecoveryLevel=0",
                "DefaultTime2Wait=0",
                "DefaultTime2Retain=0",
                ""));
    wire.send(Requests.login(isid(), 0, 1, 1, 0x87).data(text.getBytes(StandardCharsets.UTF_8)));
    scheduler.schedule(
        () -> {
          if (attempt == attempts && !loggedIn && !over) {
            if (link().isHealthy()) {
              fail("a login is not answered");
            }
            login();
          }
        },
        LOGIN_PATIENCE);
  }

  private SimLink link() {
    if (link == null) {
      throw new IllegalStateException("no connection");
    }
    return link;
  }

  private static long isid() {
    return 0x0080_0000_0001L;
  }

  private void loginAnswered(Pdu pdu) {
    if (pdu.u16(36) != 0) {
      fail("login refused: " + Integer.toHexString(pdu.u16(36)));
      return;
    }
    if ((pdu.flags() & 0x83) != 0x83) {
      fail("the login is not over: " + pdu);
      return;
    }
    for (String pair : new String(pdu.dataBytes(), StandardCharsets.UTF_8).split("\0", -1)) {
      int at = pair.indexOf('=');
      if (at > 0) {
        wire.keys.put(pair.substring(0, at), pair.substring(at + 1));
      }
    }
    // Nothing is left of the session before: what it had in flight does nothing from now on.
    sessionOver();
    target.reached().add(attempts == 1 ? IscsiReached.LOGIN : IscsiReached.LOGIN_AGAIN);
    loggedIn = true;
    tasks.newSession(wire);
    if (leaving) {
      leave();
    }
    for (int i = 0; i < depth; i++) {
      pause();
    }
  }

  private void sessionOver() {
    managed.values().forEach(request -> target.over(request.reset()));
    managed.clear();
    tasks.sessionOver();
  }

  @Override
  public void closed(SimWire closed) {
    if (closed == wire && !over) {
      loggedIn = false;
      if (leaving && link().isHealthy()) {
        fail("the connection is closed, and the logout is not answered");
      }
      tasks.stop();
      scheduler.schedule(this::comeBack, random.nextLong(3_000_000));
    }
  }

  private void comeBack() {
    if (!loggedIn && wire.isClosed() && !over) {
      login();
    }
  }

  /** Logs out as soon as nothing is in flight any more, and does nothing more. */
  void leave() {
    if (!wire.windowIsOpen()) {
      fail("the command window is closed, and nothing is in flight");
    }
    leaving = true;
    wire.send(Requests.logout(LOGOUT_TAG, 0, 1));
  }

  // --- what it does --------------------------------------------------------------------------

  private void pause() {
    long attempt = attempts;
    scheduler.schedule(
        () -> {
          if (attempt == attempts && loggedIn && !leaving) {
            if (target.isBusy()) {
              act();
            }
            if (loggedIn && target.isBusy()) {
              pause();
            }
          }
        },
        random.nextLong(MAX_PAUSE));
  }

  private void act() {
    int kind = random.nextInt(1000);
    SimTask some = tasks.any();
    if (kind < 25 && some != null) {
      abort(some);
    } else if (kind < 33) {
      reset(someFunction());
    } else if (kind < 37) {
      target.reached().add(IscsiReached.REINSTATED);
      tasks.stop();
      login();
    } else if (kind < 40) {
      target.reached().add(IscsiReached.CUT);
      link().cut();
      target.sabotage().lost(target);
    } else if (kind < 42) {
      fallSilent();
    } else if (kind < 50) {
      wire.pause(random.nextLong(random.nextInt(8) == 0 ? 2_000_000_000L : 2_000_000L));
    } else if (kind < 60) {
      if (!pinged && wire.windowIsOpen()) {
        pinged = true;
        wire.send(
            Requests.nopOut(PING_TAG)
                .data(new byte[random.nextInt(64)])
                .immediate(random.nextBoolean()));
      }
    } else if (tasks.count() < depth && wire.windowIsOpen()) {
      tasks.send();
    }
  }

  /** Nothing comes through any more; after a while the initiator notices. */
  private void fallSilent() {
    target.reached().add(IscsiReached.SILENT);
    link().silence();
    target.sabotage().lost(target);
    long attempt = attempts;
    scheduler.schedule(
        () -> {
          if (attempt == attempts && !over) {
            tasks.stop();
            login();
          }
        },
        random.nextLong(30_000_000_000L));
  }

  private TaskManagement someFunction() {
    return switch (random.nextInt(6)) {
      case 0 -> TaskManagement.ABORT_TASK_SET;
      case 1 -> TaskManagement.CLEAR_TASK_SET;
      case 2 -> TaskManagement.TARGET_WARM_RESET;
      default -> TaskManagement.LOGICAL_UNIT_RESET;
    };
  }

  /** Takes back a command. */
  void abort(SimTask task) {
    if (!task.aborting && loggedIn && managed.size() < depth) {
      task.aborting = true;
      int tag = tasks.newTag();
      managed.put(tag, new Managed(TaskManagement.ABORT_TASK, task, task.lun, null));
      wire.send(
          Requests.taskManagement(
              TaskManagement.ABORT_TASK.number(), lun(task.lun), tag, task.tag, task.cmdSn));
    }
  }

  private void reset(TaskManagement function) {
    if (managed.size() >= depth) {
      return;
    }
    boolean all = function == TaskManagement.TARGET_WARM_RESET;
    int lun = all ? SimTarget.ALL : random.nextInt(SimTarget.LUNS);
    int tag = tasks.newTag();
    SimTarget.Reset reset =
        function == TaskManagement.ABORT_TASK_SET ? null : target.begin(this, lun, function);
    managed.put(tag, new Managed(function, null, lun, reset));
    tasks.mayVanish(lun); // until the answer comes, which says so
    wire.send(Requests.taskManagement(function.number(), all ? 0 : lun(lun), tag, Pdu.NO_TAG, 0));
  }

  static long lun(int lun) {
    return (long) lun << 48;
  }

  /** A command waits too long: it is taken back, if it may have been forgotten. */
  void overdue(SimTask task) {
    if (!task.mayVanish && !task.aborting && link().isHealthy()) {
      fail(task + " is not answered");
    } else {
      abort(task);
    }
  }

  // --- what comes ----------------------------------------------------------------------------

  @Override
  public void received(SimWire from, Pdu pdu) {
    if (from != wire) {
      return;
    }
    switch (pdu.opcode()) {
      case Opcode.LOGIN_RESPONSE -> loginAnswered(pdu);
      case Opcode.NOP_IN -> nopIn(pdu);
      case Opcode.TASK_MANAGEMENT_RESPONSE -> managed(pdu);
      case Opcode.LOGOUT_RESPONSE -> loggedOut(pdu);
      default -> {
        String wrong = tasks.received(pdu);
        if (wrong != null) {
          fail(pdu + ": " + wrong);
        }
      }
    }
  }

  private void nopIn(Pdu pdu) {
    if (pdu.transferTag() != Pdu.NO_TAG) {
      wire.send(Requests.nopAnswer(pdu));
    } else if (pdu.taskTag() != PING_TAG || !pinged) {
      fail("an answer to no ping: " + pdu);
    } else {
      pinged = false;
    }
  }

  private void managed(Pdu pdu) {
    Managed request = managed.remove(pdu.taskTag());
    int answer = pdu.u8(2);
    if (request == null) {
      fail("an answer to no request: " + pdu);
      return;
    }
    target.reached().add(IscsiReached.MANAGED);
    SimTask task = request.task();
    if (task != null) {
      if (answer == TaskManagement.TASK_DOES_NOT_EXIST && tasks.has(task) && !task.mayVanish) {
        fail(task + " does not exist, and was not answered");
      } else if (answer != TaskManagement.COMPLETE
          && answer != TaskManagement.TASK_DOES_NOT_EXIST) {
        fail("ABORT TASK is answered with " + answer);
      } else if (tasks.has(task)) {
        target.reached().add(IscsiReached.ABORTED);
        tasks.aborted(task);
      }
      return;
    }
    if (answer != TaskManagement.COMPLETE) {
      fail(request.function() + " is answered with " + answer);
    }
    for (SimTask other : new ArrayList<>(tasks.all())) {
      if ((request.lun() == SimTarget.ALL || other.lun == request.lun())
          && other.cmdSn - pdu.i32(28) < 0
          && tasks.wasSentBefore(other, pdu.taskTag())) {
        tasks.aborted(other);
      }
    }
    target.complete(request.reset());
  }

  private void loggedOut(Pdu pdu) {
    if (pdu.taskTag() != LOGOUT_TAG || pdu.u8(2) != 0) {
      fail("logged out: " + pdu);
    }
    over = true;
    sessionOver();
    wire.close();
  }
}
