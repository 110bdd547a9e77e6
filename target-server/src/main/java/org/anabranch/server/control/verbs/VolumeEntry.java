// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import java.util.Objects;
import org.anabranch.block.SharedDevice;
import org.anabranch.block.Tenure;
import org.anabranch.block.dm.TableException;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.verbs.rates.LimitsEntry;
import org.anabranch.server.rate.VolumeRates;
import org.anabranch.server.state.VolumeState;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.storage.VolumeImage;
import org.anabranch.server.volumes.RuntimeVolumes;
import org.anabranch.server.volumes.VolumeCopy;
import org.jspecify.annotations.Nullable;

/** A configured volume. */
public record VolumeEntry(
    @Doc("as configured") String name,
    @Doc("the file, or where else its image is") String path,
    @Doc(
            "served, standby (another server has it), fenced (another server has just taken it over),"
                + " left-out (see problems in status), copying (it is being made)")
        State state,
    @Doc("how long it is now; 0 when it is left out") long bytes,
    @Doc("dmsetup's table of it, lines separated by \\n; empty when it is left out") String table,
    @Doc(
            "of its disk that a file takes, bytes; absent for what is not a file, and when it is left out")
        @Nullable Long allocatedBytes,
    @Doc("that are free where the file is") @Nullable Long freeBytes,
    @Doc("whether requests to it wait, see dm suspend") boolean suspended,
    @Doc("bytes") int blockSize,
    @Doc("as configured") boolean readOnly,
    @Doc("how much initiators may do in a second; absent when nothing is limited")
        @Nullable LimitsEntry limits,
    @Doc("commands that wait for these limits now") int delayed,
    @Doc("whether volume create made it, and not the configuration file") boolean runTime,
    @Doc("the snapshot that it was made as a copy of") @Nullable String from,
    @Doc("while it is being copied: of bytes, so many are done") @Nullable Long copiedBytes) {
  /** Whether initiators can use it. */
  public enum State {
    SERVED,
    STANDBY,
    FENCED,
    LEFT_OUT,
    COPYING
  }

  /** One that is being made. */
  static VolumeEntry of(VolumeState made, VolumeCopy copy) {
    return new VolumeEntry(
        made.name(),
        made.path().toString(),
        State.COPYING,
        copy.state().total(),
        "",
        null,
        null,
        false,
        made.disk().blockSize(),
        made.disk().readOnly(),
        null,
        0,
        true,
        made.from(),
        copy.state().done());
  }

  /**
   * One that is served or left out.
   *
   * @param space the storage that its image takes; null when that is not known
   */
  static VolumeEntry of(
      VolumeConfig volume, VolumeImage.@Nullable Space space, RunningServer server)
      throws RefusedException {
    Storage storage = server.storage();
    RuntimeVolumes made = server.volumes();
    VolumeRates rates = server.rates();
    VolumeRates.InForce limits = rates.inForce(volume.name());
    boolean leftOut = storage.leftOut().get(volume.name()) != null;
    try {
      return new VolumeEntry(
          volume.name(),
          volume.source().address(),
          leftOut ? State.LEFT_OUT : served(storage.shared(volume.name())),
          leftOut ? 0 : storage.mapper().device(volume.name()).sectors() * 512,
          leftOut ? "" : storage.mapper().table(volume.name()).strip(),
          space == null ? null : (Long) space.allocated(),
          space == null ? null : (Long) space.free(),
          !leftOut && storage.mapper().info(volume.name()).suspended(),
          volume.blockSize(),
          volume.readOnly(),
          limits.limits().isNone() ? null : LimitsEntry.of(limits),
          rates.waiting(volume.name()),
          made.isMade(volume.name()),
          made.isMade(volume.name())
              ? Objects.requireNonNull(made.all().get(volume.name())).from()
              : null,
          null);
    } catch (TableException e) {
      throw new RefusedException("volume " + volume.name() + ": " + e.getMessage(), e);
    }
  }

  private static State served(@Nullable SharedDevice shared) {
    return switch (shared == null ? Tenure.ACTIVE : shared.tenure()) {
      case Tenure.Active() -> State.SERVED;
      case Tenure.Standby _ -> State.STANDBY;
      case Tenure.Fenced _ -> State.FENCED;
    };
  }
}
