// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.admin;

import java.util.Set;
import java.util.TreeSet;
import org.anabranch.config.Configuration;
import org.anabranch.config.LunConfig;
import org.anabranch.config.TargetConfig;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.uses.SeenDevices;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What initiators can reach according to a configuration, masks included. Any thread. */
public final class ConfiguredLuns implements SeenDevices {
  private static final Logger LOG = LoggerFactory.getLogger(ConfiguredLuns.class);

  private final Configuration configuration;
  private final Storage storage;

  public ConfiguredLuns(Configuration configuration, Storage storage) {
    this.configuration = configuration;
    this.storage = storage;
  }

  @Override
  public Set<String> by(String initiator, String target) {
    Set<String> devices = new TreeSet<>();
    TargetConfig configured = configuration.targets().get(target);
    if (configured == null) {
      return devices;
    }
    for (LunConfig lun : configured.luns().values()) {
      if (Translation.visibleTo(lun).test(initiator)) {
        devices.add(lun.device());
        if (!configuration.volumes().containsKey(lun.device()) && lun.device().indexOf('@') < 0) {
          addBelow(lun.device(), devices);
        }
      }
    }
    return devices;
  }

  /** Of a device that is made of others: the volumes among them. */
  private void addBelow(String device, Set<String> devices) {
    for (String volume : configuration.volumes().keySet()) {
      try {
        if (storage.devices().has(volume) && storage.devices().above(volume).contains(device)) {
          devices.add(volume);
        }
      } catch (RefusedException e) {
        LOG.debug("volume {} is gone", volume, e);
      }
    }
  }
}
