// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import java.nio.file.Path;
import java.time.Instant;
import org.anabranch.config.VolumeConfig;
import org.anabranch.config.VolumeLimits;
import org.jspecify.annotations.Nullable;

/**
 * A volume that was made at run time, as the state file remembers it. Its phase says what a start
 * after a crash must do:
 *
 * <pre>
 *   phase      what may be on disk                      at the next start
 *   MAKING     part of an image at {@link #part}         that is deleted, the entry goes: never was
 *   MADE       a whole image there, or at its path       it gets its path, and the volume is READY
 *   READY      an image at its path                     the volume is served
 *   REMOVING   an image at its path, or none            the image is deleted, the entry goes
 * </pre>
 *
 * Each phase is durable in the state file before the first step that it announces.
 *
 * @param name unique among volumes and devices
 * @param path of its image, absolute and normalized
 * @param disk what hosts see of it
 * @param limits that {@code volume limit} has set; null: those of {@code volume-defaults}
 * @param from the snapshot that it is a copy of; null when it began empty, or as a file that was
 *     there
 * @param created when that was asked for
 * @param phase see above
 * @param token sets the file of a volume that is being made apart from all other files; empty when
 *     it is READY
 */
public record VolumeState(
    String name,
    Path path,
    VolumeDisk disk,
    @Nullable VolumeLimits limits,
    @Nullable String from,
    Instant created,
    Phase phase,
    String token) {
  /** How far the life of a volume has come. */
  public enum Phase {
    MAKING,
    MADE,
    READY,
    REMOVING
  }

  /** Where the image is made. */
  public Path part() {
    return path.resolveSibling(path.getFileName() + "." + token + ".part");
  }

  /** In another phase; its token goes when nothing of its making is left. */
  public VolumeState in(Phase newPhase) {
    boolean isMade = newPhase == Phase.READY || newPhase == Phase.REMOVING;
    return new VolumeState(name, path, disk, limits, from, created, newPhase, isMade ? "" : token);
  }

  /** With another name; the image stays where it is. */
  public VolumeState named(String newName) {
    return new VolumeState(newName, path, disk, limits, from, created, phase, token);
  }

  /** With other rate limits; null: those of {@code volume-defaults}. */
  public VolumeState limited(@Nullable VolumeLimits newLimits) {
    return new VolumeState(name, path, disk, newLimits, from, created, phase, token);
  }

  /**
   * The volume as if it were configured, but for its rate limits. It is as long as its image, which
   * must exist.
   */
  public VolumeConfig config() {
    return VolumeConfig.ofFile(
        name, path, disk.blockSize(), disk.physicalBlockSize(), disk.readOnly(), disk.removable());
  }
}
