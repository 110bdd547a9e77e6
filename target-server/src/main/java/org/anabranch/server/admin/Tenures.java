// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.admin;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.anabranch.block.Scheduler;
import org.anabranch.block.SharedDevice;
import org.anabranch.block.Tenure;
import org.anabranch.iscsi.server.IscsiServer;
import org.anabranch.iscsi.session.SessionInfo;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.snapshots.Arrival;
import org.anabranch.server.storage.Stages;
import org.anabranch.server.storage.Storage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What it means for initiators when a volume that other servers may serve comes here or goes. Any
 * thread.
 *
 * <pre>
 *   active    they use it here; a unit attention says that the access state has changed
 *   standby   commands that need the medium fail with NOT READY; a unit attention as well
 *   fenced    the sessions that see the volume are dropped, so that nothing that is on its way here
 *             is taken for something that waits
 * </pre>
 */
public final class Tenures {
  private static final Logger LOG = LoggerFactory.getLogger(Tenures.class);

  private final Storage storage;
  private final Targets targets;
  private final Carried carried;
  private final LiveConfiguration live;
  private final Supplier<@Nullable IscsiServer> iscsi;
  private final Arrival arrival;
  private final CompletableFuture<@Nullable Void> opened = new CompletableFuture<>();

  /**
   * Hears of all changes from now on.
   *
   * @param carried what comes with a volume
   * @param arrival what becomes of its snapshots
   * @param scheduler runs what has to be done
   * @param iscsi null before the server accepts logins
   */
  public Tenures(
      Storage storage,
      Targets targets,
      Carried carried,
      LiveConfiguration live,
      Arrival arrival,
      Scheduler scheduler,
      Supplier<@Nullable IscsiServer> iscsi) {
    this.storage = storage;
    this.targets = targets;
    this.carried = carried;
    this.live = live;
    this.iscsi = iscsi;
    this.arrival = arrival;
    storage.onTenure((volume, tenure) -> scheduler.execute(() -> changed(volume, tenure)));
    storage.beforeActive(this::prepare);
  }

  /** Targets and snapshots are there: volumes may come from now on. */
  public void open() {
    opened.complete(null);
  }

  private void prepare(String volume, Runnable open) throws RefusedException {
    Stages.<@Nullable Void>await("the start of this server", opened);
    carried.arrive(volume);
    arrival.comes(volume, open);
  }

  private void changed(String volume, Tenure tenure) {
    switch (tenure) {
      case Tenure.Active() -> LOG.info("volume {}: active on this server from now on", volume);
      case Tenure.Standby(String reason) -> LOG.info("volume {}: standby: {}", volume, reason);
      case Tenure.Fenced(String reason) -> {
        LOG.error("volume {}: fenced: {}", volume, reason);
        dropSessions(volume);
        Thread.ofVirtual().name("gone " + volume).start(() -> arrival.goes(volume));
      }
    }
    targets.accessStateChanged(volume);
  }

  private void dropSessions(String volume) {
    IscsiServer running = iscsi.get();
    if (running == null) {
      return;
    }
    List<SessionInfo> using =
        new LunUse(live.configured(), running.sessionInfos()).of(targets.madeOf(volume));
    using.forEach(session -> running.drop(session.tsih()));
    if (!using.isEmpty()) {
      LOG.warn("volume {}: dropped the sessions that see it: {}", volume, LunUse.names(using));
    }
  }

  /**
   * Serves a volume here, and shuts out the server that has it now.
   *
   * @return a line that says what was done
   */
  public List<String> takeOver(String volume) throws RefusedException {
    if (!live.configured().volumes().containsKey(volume)) {
      throw RefusedException.absent("volume", volume, live.configured().volumes().keySet());
    }
    storage.refuseIfLeftOut(volume);
    SharedDevice device = storage.shared(volume);
    if (device == null) {
      throw new RefusedException(
          "volume "
              + volume
              + ": no other server can have it; only writable RBD images are shared");
    }
    if (device.tenure() instanceof Tenure.Active) {
      throw new RefusedException("volume " + volume + ": this server has it already");
    }
    // What cannot be read is no reason to shut the other server out.
    carried.arrive(volume);
    arrival.refuseUnreadable(volume);
    Stages.<@Nullable Void>await("volume " + volume, device.takeOver());
    return List.of("volume " + volume + " is served by this server now");
  }
}
