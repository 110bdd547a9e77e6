// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import java.util.List;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.config.Configuration;
import org.anabranch.iscsi.session.SessionInfo;
import org.anabranch.server.admin.Recovery;
import org.anabranch.server.admin.RuntimeDevices;
import org.anabranch.server.admin.Tenures;
import org.anabranch.server.admin.VolumeSize;
import org.anabranch.server.base.EffectiveConfiguration;
import org.anabranch.server.base.LastAnswers;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Warning;
import org.anabranch.server.exports.Exports;
import org.anabranch.server.exports.receive.VolumeImports;
import org.anabranch.server.hooks.HookCounts;
import org.anabranch.server.rate.VolumeRates;
import org.anabranch.server.schedule.Schedules;
import org.anabranch.server.snapshots.Snapshots;
import org.anabranch.server.stats.Statistics;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.storage.VolumeImage;
import org.anabranch.server.volumes.RuntimeLuns;
import org.anabranch.server.volumes.RuntimeVolumes;
import org.anabranch.server.volumes.VolumeLimitChange;

/** What {@link Verbs} need of the server. Any thread. */
public interface RunningServer {
  /** Where it listens, {@code address:port}. */
  List<String> portals();

  /** The sessions that are logged in, discovery sessions included. */
  List<SessionInfo> sessionInfos();

  /** Ends a session; whether there was one. */
  boolean drop(int tsih);

  /**
   * Reads the configuration again and applies what has changed: all of it, or nothing.
   *
   * @param force also when sessions lose LUNs that they see
   * @return a line for each change
   * @throws RefusedException with a line for each error; nothing has changed
   */
  List<String> reload(boolean force) throws RefusedException;

  /**
   * Gives a volume another size.
   *
   * @param sectors the new size, or with {@code more} what is added to the present one
   * @param force allows a smaller size
   */
  VolumeSize.Resized resize(String volume, long sectors, boolean more, boolean force)
      throws RefusedException;

  /** The rate limits of volumes. */
  VolumeRates rates();

  /** Changes of rate limits. */
  VolumeLimitChange limits();

  /** What the hooks have done. */
  HookCounts hookCounts();

  /** The schedules of snapshots. */
  Schedules schedules();

  /** What is worse than a user may think. */
  List<Warning> warnings();

  /** The configuration that is served now. */
  Configuration configuration();

  /** The block devices. */
  Storage storage();

  /** The storage that images take, by volume. */
  LastAnswers<String, VolumeImage.Space> imageSpaces();

  /** The mapped devices among them. */
  DeviceMapper mapper();

  /** The snapshots. */
  Snapshots snapshots();

  /** The exports of snapshots. */
  Exports exports();

  /** The imports of streams. */
  VolumeImports volumeImports();

  /** Brings back what was left out. */
  Recovery recovery();

  /** Volumes that other servers may serve, too. */
  Tenures tenures();

  /** What is counted. */
  Statistics statistics();

  /** The devices that {@code dm create} made. */
  RuntimeDevices runtimeDevices();

  /** The volumes that {@code volume create} made. */
  RuntimeVolumes volumes();

  /** The LUNs that {@code lun add} added. */
  RuntimeLuns luns();

  /** The configuration file, and what was made at run time besides. */
  EffectiveConfiguration effective();

  /** A backup of the state directory's small files. */
  byte[] stateBackup() throws RefusedException;
}
