// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.admin;

import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;
import org.anabranch.config.Configuration;
import org.anabranch.config.IdentityConfig;
import org.anabranch.config.LunConfig;
import org.anabranch.config.TargetConfig;
import org.anabranch.config.VolumeConfig;
import org.anabranch.scsi.data.Naa;
import org.anabranch.scsi.data.UnitIdentity;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.DiskNames;
import org.anabranch.server.state.IdentityFile;
import org.anabranch.server.storage.VolumeImage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What each disk is called. The names belong to the volume, whichever targets show it.
 *
 * <pre>
 *   the image of a volume carries names      those, unless it is a copy
 *   it is a copy of another volume's image   its own from the state directory, or new ones
 *   it carries none                          those of the state directory, or new ones
 *   a snapshot                               derived from its volume's names and its own name
 *   a device { }                             those of the state directory, or new ones
 *   a key of the volume sets a name          that one is shown; the others stay
 * </pre>
 *
 * <p>Earlier versions derived the names from the server, the target and the device. The first start
 * of this version keeps what the first target that shows a device has shown; where other targets
 * show it too, their initiators see the disk under a new name, which the log says.
 *
 * <p>Not thread-safe; {@link Targets} calls it with its lock held.
 */
public final class UnitIdentities {
  private static final Logger log = LoggerFactory.getLogger(UnitIdentities.class);
  private static final int RANDOM_BYTES = 14;

  private final IdentityFile file;
  private final String serverId;

  /** The state directory is from an earlier version, which has shown disks; until it is settled. */
  private boolean upgrades;

  private final SecureRandom random = new SecureRandom();

  /**
   * @param wasUsed whether a server used the state directory before
   */
  public UnitIdentities(IdentityFile file, String serverId, boolean wasUsed) {
    this.file = file;
    this.serverId = serverId;
    this.upgrades = wasUsed && file.isNew();
  }

  /**
   * Settles the names of all volumes and devices of a configuration, durably. The images of its
   * volumes are there, but for those that are left out: what lies at the path of such a one may be
   * anybody's, so it is neither asked for names nor given any.
   *
   * @param leftOut volumes whose image is missing or not theirs
   * @param images the image of each volume
   */
  void settle(
      Configuration configuration,
      Predicate<String> leftOut,
      Function<VolumeConfig, VolumeImage> images)
      throws RefusedException {
    Map<String, DiskNames> carried = new TreeMap<>();
    for (VolumeConfig volume : configuration.volumes().values()) {
      DiskNames names = leftOut.test(volume.name()) ? null : images.apply(volume).names();
      if (names != null) {
        carried.put(volume.name(), names);
      }
    }
    if (upgrades) {
      keepWhatWasShown(configuration);
      upgrades = false;
    }
    Map<DiskNames, String> given = new TreeMap<>((a, b) -> a.toString().compareTo(b.toString()));
    // Those that the state directory knows by the names that they carry come first: of an original
    // and its copy the original is one of them.
    List<VolumeConfig> order = new ArrayList<>(configuration.volumes().values());
    order.sort((a, b) -> Boolean.compare(isKnown(b, carried), isKnown(a, carried)));
    for (VolumeConfig volume : order) {
      String name = volume.name();
      DiskNames names = choose(name, carried.get(name), given);
      given.put(names, name);
      file.put(name, names);
      if (!names.equals(carried.get(name)) && !volume.readOnly() && !leftOut.test(name)) {
        carry(volume, images.apply(volume), names);
      }
    }
    for (String device : configuration.devices().keySet()) {
      if (file.find(device) == null) {
        file.put(device, fresh());
      }
    }
    file.save();
  }

  private boolean isKnown(VolumeConfig volume, Map<String, DiskNames> carried) {
    DiskNames names = carried.get(volume.name());
    return names != null && names.equals(file.find(volume.name()));
  }

  private DiskNames choose(
      String volume, @Nullable DiskNames carried, Map<DiskNames, String> given) {
    DiskNames known = file.find(volume);
    if (carried != null && !given.containsKey(carried)) {
      if (known != null && !known.equals(carried)) {
        log.warn(
            "volume {}: its image carries another identity (serial {}) than it had (serial {}):"
                + " hosts see another disk",
            volume,
            carried.serial(),
            known.serial());
      }
      return carried;
    }
    DiskNames own = known == null || given.containsKey(known) ? fresh() : known;
    if (carried != null) {
      log.warn(
          "volume {}: its image is a copy of volume {}'s, identity included (serial {}): it gets"
              + " serial {} of its own, so that hosts do not take the two for one disk",
          volume,
          given.get(carried),
          carried.serial(),
          own.serial());
    }
    return own;
  }

  private static void carry(VolumeConfig volume, VolumeImage image, DiskNames names) {
    if (!image.carry(names)) {
      log.info(
          "volume {}: its image cannot carry the disk's identity, which is kept in the state"
              + " directory alone",
          volume.name());
    }
  }

  /** The names that an earlier version derived. */
  private void keepWhatWasShown(Configuration configuration) {
    Map<String, String> shownBy = new TreeMap<>();
    for (TargetConfig target : configuration.targets().values()) {
      for (LunConfig lun : target.luns().values()) {
        String first = shownBy.putIfAbsent(lun.device(), target.name());
        if (first == null && file.find(lun.device()) == null) {
          UnitIdentity shown = earlier(target.name(), lun.device());
          file.put(lun.device(), new DiskNames(shown.serial(), shown.naa().digits()));
        } else if (first != null && !first.equals(target.name())) {
          log.warn(
              "{}: keeps the identity (WWID) that target {} has shown; initiators of target {} see"
                  + " it under that now",
              lun.device(),
              first,
              target.name());
        }
      }
    }
  }

  /** What an earlier version derived for a device behind a target. */
  UnitIdentity earlier(String target, String device) {
    return UnitIdentity.of(serverId + " " + target, device);
  }

  private DiskNames fresh() {
    ByteBuffer bytes = ByteBuffer.allocate(RANDOM_BYTES);
    random.nextBytes(bytes.array());
    String digits = HexFormat.of().formatHex(bytes.array());
    return new DiskNames(digits.substring(0, 12), "3" + digits.substring(12, 27));
  }

  /** What a LUN's device is called; settled before. */
  UnitIdentity of(Configuration configuration, String device) throws RefusedException {
    DiskNames names = file.find(device);
    int at = device.indexOf('@');
    if (names == null && at >= 0) {
      DiskNames volume = Objects.requireNonNull(file.find(device.substring(0, at)), device);
      UnitIdentity derived = UnitIdentity.of(volume.toString(), device.substring(at));
      if (!file.has(new DiskNames(derived.serial(), derived.naa().digits()))) {
        return derived;
      }
      names = fresh(); // a snapshot that had this name before has kept those
      file.put(device, names);
      file.save();
    }
    UnitIdentity own = identity(Objects.requireNonNull(names, device));
    VolumeConfig volume = configuration.volumes().get(device);
    return volume == null ? own : with(own, volume.identity());
  }

  /**
   * Devices get other names and stay the same disks. Durable when it returns.
   *
   * @param names the new ones by the old ones
   */
  void renaming(Configuration configuration, Map<String, String> names) throws RefusedException {
    for (Map.Entry<String, String> each : names.entrySet()) {
      String device = each.getKey();
      String newName = each.getValue();
      if (file.find(device) != null || file.find(volumeOf(device)) != null) {
        UnitIdentity shown = of(configuration, device);
        file.put(newName, new DiskNames(shown.serial(), shown.naa().digits()));
      }
    }
    file.save();
  }

  /** A volume of this name, and its snapshots, are other disks from now on. */
  void forget(String volume) throws RefusedException {
    file.removeIf(device -> volumeOf(device).equals(volume));
    file.save();
  }

  private static String volumeOf(String device) {
    int at = device.indexOf('@');
    return at < 0 ? device : device.substring(0, at);
  }

  private static UnitIdentity identity(DiskNames names) {
    return UnitIdentity.of(names.serial(), new Naa(names.naa()));
  }

  private static UnitIdentity with(UnitIdentity own, IdentityConfig set) {
    String vendor = Objects.requireNonNullElse(set.vendor(), own.vendor());
    String serial = Objects.requireNonNullElse(set.serial(), own.serial());
    return new UnitIdentity(
        own.id(),
        vendor,
        Objects.requireNonNullElse(set.product(), own.product()),
        Objects.requireNonNullElse(set.revision(), own.revision()),
        serial,
        Objects.requireNonNullElse(set.t10(), UnitIdentity.t10(vendor, serial)),
        set.naa() == null ? own.naa() : new Naa(set.naa()));
  }

  /**
   * The target port group of this server for disks that other servers show, too: from 2 to 32768,
   * the same after a restart, and another one than other servers have, with near certainty.
   */
  int portGroup() {
    return 2 + Math.floorMod(serverId.hashCode(), 32_767);
  }
}
