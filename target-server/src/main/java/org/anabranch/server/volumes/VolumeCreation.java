// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.volumes;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import org.anabranch.server.admin.Targets;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.StateDirectory;
import org.anabranch.server.state.StateFile;
import org.anabranch.server.state.VolumeState;
import org.anabranch.server.state.VolumeState.Phase;
import org.anabranch.server.storage.Storage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The last steps of a new volume, and the way back. By its turn in {@code Changes}; {@link
 * VolumeState} has the phases.
 */
final class VolumeCreation {
  private static final Logger LOG = LoggerFactory.getLogger(VolumeCreation.class);

  private final Storage storage;
  private final Targets targets;
  private final StateFile state;
  private final EffectiveChange effective;

  VolumeCreation(Storage storage, Targets targets, StateFile state, EffectiveChange effective) {
    this.storage = storage;
    this.targets = targets;
    this.state = state;
    this.effective = effective;
  }

  /** The image is whole: from here on the volume will be there, whatever happens. */
  void complete(VolumeState volume, FileChannel image) throws RefusedException, IOException {
    NewImage.complete(image, volume, state);
    serve(volume.in(Phase.READY));
  }

  /** Serves a volume whose image is there. */
  void serve(VolumeState ready) throws RefusedException {
    targets.forgetNames(ready.name());
    storage.forgetImage(ready.name());
    storage.openVolume(ready.config());
    try {
      effective.apply(state.state().with(ready));
    } catch (RefusedException e) {
      storage.removeVolume(ready.name());
      throw e;
    }
    LOG.info("volume {}: made, with {}", ready.name(), ready.path());
  }

  /** Nothing of it stays; what cannot be taken back now is at the next start. */
  RefusedException undone(VolumeState volume, RefusedException reason) {
    try {
      VolumeState now = state.state().volumes().get(volume.name());
      if (now != null && now.phase() == Phase.MADE && !Files.exists(volume.part())) {
        VolumeLeftovers.delete(volume.path(), state.steps());
      }
      VolumeLeftovers.delete(volume.part(), state.steps());
      if (now != null) {
        state.replace(state.state().withoutVolume(volume.name()));
      }
    } catch (IOException e) {
      reason.addSuppressed(e);
      LOG.error("{}; the next start will delete it", reason(volume, e));
    } catch (RefusedException e) {
      reason.addSuppressed(e);
      LOG.error("volume {}: {}", volume.name(), e.getMessage());
    }
    return reason;
  }

  static String reason(VolumeState volume, IOException e) {
    return "volume " + volume.name() + ": " + StateDirectory.reason(e);
  }
}
