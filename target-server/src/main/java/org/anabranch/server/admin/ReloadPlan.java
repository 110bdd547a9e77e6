// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.admin;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.anabranch.config.Configuration;
import org.anabranch.config.DeviceConfig;
import org.anabranch.config.LunConfig;
import org.anabranch.config.Portal;
import org.anabranch.config.TargetConfig;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.storage.TableText;

/**
 * The way from one configuration to another: what comes, goes and changes. Knows the two files and
 * nothing of a server; {@link Reload} walks it.
 *
 * <pre>
 *   key                                    while the server runs
 *   portals                                come and go, and change their group and what they
 *                                          advertise; sessions outlive their portal
 *   volumes                                come; go unless they have snapshots
 *   volumes.V.size                         grows; a smaller one changes nothing, see reference.conf
 *   volumes.V.limits                       change at once, for commands that wait as well
 *   volumes.V.path, block sizes, ...       refused: V goes with one reload and comes with another
 *   devices                                come, go, and change their tables under way
 *   targets, LUNs, initiators, addresses,
 *   portal-groups, alias                   come, go and change
 *   chap, discovery                        change, for the logins to come
 *   stores                                 changes, for stores that are there as well
 *   log, control-group                     change at once
 *   merge-grace                            changes
 *   snapshots (schedules)                  change, for what is due from then on
 *   hooks, of the server and of volumes    change, for what begins from then on
 *   limits, iscsi                          change, for the logins to come
 *   image-dir                              changes, for volumes to come
 *   http, write-cache                      refused: restart the server
 *   state-dir                              refused: it is what a server is known by
 * </pre>
 *
 * @param summary a line for each change, for people
 * @param refusals a line for each change that cannot be, with what to do instead
 */
public record ReloadPlan(
    List<Portal> newPortals,
    List<Portal> oldPortals,
    List<VolumeConfig> newVolumes,
    List<VolumeConfig> oldVolumes,
    List<VolumeConfig> resizedVolumes,
    List<DeviceConfig> newDevices,
    List<DeviceConfig> oldDevices,
    List<DeviceConfig> changedDevices,
    boolean limits,
    boolean stores,
    List<String> summary,
    List<String> refusals) {

  static ReloadPlan of(Configuration before, Configuration after) {
    List<String> summary = new ArrayList<>();
    List<String> refusals = new ArrayList<>();
    compareWhatStays(before, after, refusals);
    List<Portal> newPortals = minus(after.portals(), before.portals());
    List<Portal> oldPortals = minus(before.portals(), after.portals());
    comparePortals(oldPortals, newPortals, summary);

    List<VolumeConfig> newVolumes = absent(after.volumes(), before.volumes());
    List<VolumeConfig> oldVolumes = absent(before.volumes(), after.volumes());
    List<VolumeConfig> resized = new ArrayList<>();
    newVolumes.forEach(volume -> summary.add("volume " + volume.name() + " added"));
    oldVolumes.forEach(volume -> summary.add("volume " + volume.name() + " removed"));
    for (VolumeConfig volume : after.volumes().values()) {
      VolumeConfig old = before.volumes().get(volume.name());
      if (old != null) {
        compare(old, volume, refusals);
        if (volume.sectors() > old.sectors()) {
          resized.add(volume);
          summary.add("volume " + volume.name() + ": size");
        } else if (volume.sectors() < old.sectors()) {
          summary.add(
              "volume " + volume.name() + ": a smaller size, to which volume resize may shrink it");
        }
      }
    }

    List<DeviceConfig> newDevices = absent(after.devices(), before.devices());
    List<DeviceConfig> oldDevices = absent(before.devices(), after.devices());
    List<DeviceConfig> changed =
        after.devices().values().stream()
            .filter(device -> {
              DeviceConfig old = before.devices().get(device.name());
              return old != null
                  && !TableText.device(old, before.baseDir())
                      .equals(TableText.device(device, after.baseDir()));
            })
            .toList();
    newDevices.forEach(device -> summary.add("device " + device.name() + " added"));
    oldDevices.forEach(device -> summary.add("device " + device.name() + " removed"));
    changed.forEach(device -> summary.add("device " + device.name() + ": table"));

    compareTargets(before.targets(), after.targets(), summary);
    boolean limits =
        !before.limits().equals(after.limits()) || !before.iscsi().equals(after.iscsi());
    if (limits) {
      summary.add("limits changed, for the logins to come");
    }
    if (!before.discovery().equals(after.discovery())) {
      summary.add("discovery changed, for the logins to come");
    }
    boolean stores = !before.stores().equals(after.stores());
    if (stores) {
      summary.add("stores: when they grow");
    }
    compareRest(before, after, summary);
    return new ReloadPlan(
        newPortals,
        oldPortals,
        newVolumes,
        oldVolumes,
        resized,
        newDevices,
        oldDevices,
        changed,
        limits,
        stores,
        summary,
        refusals);
  }

  /** What cannot change. */
  private static void compareWhatStays(
      Configuration before, Configuration after, List<String> refusals) {
    if (!before.stateDir().equals(after.stateDir())) {
      refusals.add(
          "state-dir cannot change from "
              + before.stateDir()
              + " to "
              + after.stateDir()
              + " while the server runs: stop it, move the folder, start it again");
    }
    if (!Objects.equals(before.http(), after.http())) {
      refusals.add("http cannot change while the server runs: restart the server");
    }
    if (!before.writeCache().equals(after.writeCache())) {
      refusals.add(
          "write-cache (its size or path) cannot change while the server runs: restart the server");
    }
  }

  /** What changes without a step of its own. */
  private static void compareRest(Configuration before, Configuration after, List<String> summary) {
    for (VolumeConfig volume : after.volumes().values()) {
      VolumeConfig old = before.volumes().get(volume.name());
      if (old != null && !volume.limits().equals(old.limits())) {
        summary.add("volume " + volume.name() + ": rate limits");
      }
    }
    if (!before.volumeDefaults().equals(after.volumeDefaults())) {
      summary.add(
          "volume-defaults changed, also for volumes that commands make; rate limits at once");
    }
    if (!before.mergeGrace().equals(after.mergeGrace())) {
      summary.add("merge-grace changed");
    }
    if (!before.schedules().equals(after.schedules())) {
      summary.add("schedules changed, for the snapshots to come");
    }
    if (!before.hooks().equals(after.hooks())) {
      summary.add("hooks changed, for the snapshots and rollbacks to come");
    }
    if (!Objects.equals(before.controlGroup(), after.controlGroup())) {
      summary.add("control-group changed");
    }
    if (!before.imageDir().equals(after.imageDir())) {
      summary.add("image-dir: " + after.imageDir() + ", for volumes to come");
    }
    if (!before.log().equals(after.log())) {
      summary.add("log: format or level");
    }
  }

  private static void comparePortals(List<Portal> old, List<Portal> now, List<String> summary) {
    for (Portal portal : now) {
      boolean there = old.stream().anyMatch(portal::clashesWith);
      summary.add("portal " + portal + (there ? ": its group, or what it advertises" : " added"));
    }
    for (Portal portal : old) {
      if (now.stream().noneMatch(portal::clashesWith)) {
        summary.add("portal " + portal + " removed");
      }
    }
  }

  private static <T> List<T> minus(Collection<T> all, Collection<T> without) {
    return all.stream().filter(each -> !without.contains(each)).toList();
  }

  private static <T> List<T> absent(Map<String, T> in, Map<String, T> from) {
    return in.entrySet().stream()
        .filter(entry -> !from.containsKey(entry.getKey()))
        .map(Map.Entry::getValue)
        .toList();
  }

  private static void compare(VolumeConfig old, VolumeConfig now, List<String> refusals) {
    List<String> keys = new ArrayList<>();
    note(keys, now.source().keys(), old.source(), now.source());
    note(keys, "block-size", old.blockSize(), now.blockSize());
    note(keys, "physical-block-size", old.physicalBlockSize(), now.physicalBlockSize());
    note(keys, "read-only", old.readOnly(), now.readOnly());
    note(keys, "removable", old.removable(), now.removable());
    if (!old.identity().equals(now.identity())) {
      keys.add("serial, naa, t10, vendor, product, revision");
    }
    if (!keys.isEmpty()) {
      refusals.add(
          "volumes."
              + now.name()
              + ": "
              + String.join(", ", keys)
              + " cannot change while it is served: take it and its LUNs out of the file and"
              + " reload, put them back and reload; or restart the server");
    }
  }

  private static void note(List<String> keys, String key, Object old, Object now) {
    if (!old.equals(now)) {
      keys.add(key);
    }
  }

  private static void compareTargets(
      Map<String, TargetConfig> before, Map<String, TargetConfig> after, List<String> summary) {
    absent(before, after).forEach(target -> summary.add("target " + target.name() + " removed"));
    for (TargetConfig target : after.values()) {
      TargetConfig old = before.get(target.name());
      if (old == null) {
        summary.add("target " + target.name() + " added");
        continue;
      }
      if (!sameAdmission(old, target) || old.openToAnyone() != target.openToAnyone()) {
        summary.add("target " + target.name() + ": who may log in");
      }
      for (LunConfig lun : old.luns().values()) {
        if (!target.luns().containsKey(lun.number())) {
          summary.add("target " + target.name() + ": LUN " + lun.number() + " removed");
        }
      }
      for (LunConfig lun : target.luns().values()) {
        LunConfig oldLun = old.luns().get(lun.number());
        if (!lun.equals(oldLun)) {
          summary.add(
              "target "
                  + target.name()
                  + ": LUN "
                  + lun.number()
                  + (oldLun == null ? " added" : " changed"));
        }
      }
    }
  }

  /** Whether the same initiators may log in, by the same proof, through the same portals. */
  static boolean sameAdmission(TargetConfig one, TargetConfig other) {
    return one.access().equals(other.access())
        && one.chap().equals(other.chap())
        && one.portalGroups().equals(other.portalGroups())
        && Objects.equals(one.alias(), other.alias());
  }

  public boolean isEmpty() {
    return summary.isEmpty() && refusals.isEmpty();
  }
}
