// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.admin;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.dm.TableLine;
import org.anabranch.block.targets.TargetTypes;
import org.anabranch.config.Configuration;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.Changes;
import org.anabranch.server.state.RuntimeState;
import org.anabranch.server.state.StateFile;
import org.anabranch.server.storage.Stages;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.storage.TableOrder;
import org.jspecify.annotations.Nullable;

/**
 * The devices that {@code dm create} made at run time, which come back after a restart with the
 * table that was live last. What is configured, and snapshots, are not its business: their tables
 * can be changed by {@code dm} for as long as the server runs, and they can be neither removed nor
 * renamed.
 */
public final class RuntimeDevices {
  private final LiveConfiguration live;
  private final Storage storage;
  private final StateFile state;
  private final Changes changes;

  public RuntimeDevices(LiveConfiguration live, Storage storage, StateFile state, Changes changes) {
    this.live = live;
    this.storage = storage;
    this.state = state;
    this.changes = changes;
  }

  /** Brings them back, each after those that it stands on. Before anybody writes to a volume. */
  public void restore() throws RefusedException {
    changes.lock();
    try {
      Map<String, String> made = state.state().devices();
      Map<String, List<DeviceRef>> tables = new TreeMap<>();
      made.forEach((name, table) -> tables.put(name, references(table, made.keySet())));
      TableOrder order = TableOrder.of(tables);
      for (String name : order.devices()) {
        restoreUnlessThere(name, made.getOrDefault(name, ""));
      }
      for (String name : order.circular()) { // refused, by name
        restoreUnlessThere(name, made.getOrDefault(name, ""));
      }
    } finally {
      changes.unlock();
    }
  }

  /** What a table stands on; nothing when it cannot be read, which is refused when it is loaded. */
  private static List<DeviceRef> references(String table, Set<String> names) {
    try {
      return table.isEmpty()
          ? List.of()
          : TargetTypes.read(TableLine.parse(table), names).devices();
    } catch (TableException e) {
      return List.of();
    }
  }

  /** Brings one back; it is left out when that cannot be. */
  private void restoreUnlessThere(String name, String table) {
    if (storage.devices().has(name)) {
      return;
    }
    try {
      make("device " + name, name, table);
      if (state.state().readOnlyDevices().contains(name)) {
        makeReadOnly(name);
      }
      storage.leftOut().remove(name);
    } catch (RefusedException e) {
      storage.leaveOutDevice(name, e);
    }
  }

  /** Without a table if that is empty. */
  private void make(String what, String name, String table) throws RefusedException {
    if (table.isEmpty()) {
      Stages.await(what, storage.mapper().create(name));
      storage.devices().adopt(name);
    } else {
      storage.create(what, name, table);
    }
  }

  /**
   * Makes a device and remembers its table.
   *
   * @param table empty: none yet
   * @param readOnly writes to it fail, also after a restart
   */
  public void create(String name, String table, boolean readOnly) throws RefusedException {
    changes.lock();
    try {
      refuseIfConfigured("create", name);
      storage.refuseIfLeftOut(name);
      make("dm create " + name, name, table);
      try {
        if (readOnly) {
          makeReadOnly(name);
          state.replace(state.state().withDevice(name, live(name)).withReadOnly(name));
        } else {
          remember(name);
        }
      } catch (RefusedException e) {
        storage.devices().remove(name);
        throw e;
      }
    } finally {
      changes.unlock();
    }
  }

  /** For initiators, too: a LUN of it reports write protection. */
  private void makeReadOnly(String name) throws RefusedException {
    try {
      storage.mapper().makeReadOnly(name);
      storage.devices().readOnly(name);
    } catch (TableException e) {
      throw new RefusedException(name + ": " + e.getMessage(), e);
    }
  }

  /** Whether it was made and is not there, since what it stands on is not. */
  public boolean isLeftOut(String name) {
    return state.state().devices().containsKey(name) && storage.leftOut().get(name) != null;
  }

  /**
   * Removes a device that {@link #create} made.
   *
   * @param force a device that is in use stays, and all its requests fail from now on
   */
  public void remove(String name, boolean force) throws RefusedException {
    changes.lock();
    try {
      refuseIfConfigured("remove", name);
      if (force && storage.devices().has(name) && storage.devices().isHeld(name)) {
        wipe(name);
      }
      if (storage.leftOut().get(name) == null) {
        storage.devices().remove(name);
      }
      state.replace(state.state().withoutDevice(name));
      storage.leftOut().remove(name);
    } finally {
      changes.unlock();
    }
  }

  /**
   * Removes all devices that {@link #create} made and nobody uses, each before those that it stands
   * on.
   *
   * @param force those in use stay, and all their requests fail from now on
   * @return what was removed
   * @throws RefusedException when some are in use; the others have gone
   */
  public List<String> removeAll(boolean force) throws RefusedException {
    changes.lock();
    try {
      List<String> removed = new ArrayList<>();
      boolean wiped = false;
      while (true) {
        int before = removed.size();
        for (String name : List.copyOf(state.state().devices().keySet())) {
          if (!storage.devices().has(name) || !storage.devices().isHeld(name)) {
            remove(name, false);
            removed.add(name);
          }
        }
        Set<String> left = state.state().devices().keySet();
        if (left.isEmpty()) {
          return removed;
        }
        if (removed.size() == before && (wiped || !force)) {
          throw new RefusedException(
              "dm remove_all: in use: "
                  + String.join(", ", left)
                  + (wiped
                      ? "; all their requests fail now"
                      : "; --force makes their requests fail")
                  + (removed.isEmpty() ? "" : "; removed: " + String.join(", ", removed)));
        }
        if (removed.size() == before) {
          for (String name : left) {
            wipe(name);
          }
          wiped = true;
        }
      }
    } finally {
      changes.unlock();
    }
  }

  /** Gives a device that {@link #create} made a table that fails all requests. */
  public void wipe(String name) throws RefusedException {
    changes.lock();
    try {
      refuseIfConfigured("wipe_table", name);
      long sectors = storage.devices().sectors(name);
      if (sectors > 0) {
        Stages.<@Nullable Void>await(
            "dm wipe_table " + name, storage.mapper().reload(name, "0 " + sectors + " error"));
        remember(name);
      }
    } finally {
      changes.unlock();
    }
  }

  /** Gives a device that {@link #create} made another name. */
  public void rename(String name, String newName) throws RefusedException {
    changes.lock();
    try {
      refuseIfConfigured("rename", name);
      refuseIfConfigured("rename", newName);
      storage.devices().rename(name, newName);
      try {
        state.replace(renamed(name, newName));
      } catch (RefusedException e) {
        storage.devices().rename(newName, name);
        throw e;
      }
    } finally {
      changes.unlock();
    }
  }

  /** The state with the new name, also in the tables of devices that stand on the renamed one. */
  private RuntimeState renamed(String name, String newName) throws RefusedException {
    RuntimeState renamed = state.state().withoutDevice(name).withDevice(newName, live(newName));
    if (state.state().readOnlyDevices().contains(name)) {
      renamed = renamed.withReadOnly(newName);
    }
    for (String above : storage.devices().above(newName)) {
      if (renamed.devices().containsKey(above)) {
        renamed = renamed.withDevice(above, live(above));
      }
    }
    return renamed;
  }

  /** A loaded table became the live one. */
  public void resumed(String name) throws RefusedException {
    changes.lock();
    try {
      if (state.state().devices().containsKey(name)) {
        remember(name);
      }
    } finally {
      changes.unlock();
    }
  }

  private void remember(String name) throws RefusedException {
    String table = live(name);
    if (!table.equals(state.state().devices().get(name))) {
      state.replace(state.state().withDevice(name, table));
    }
  }

  private String live(String name) throws RefusedException {
    try {
      return storage.mapper().table(name);
    } catch (TableException e) {
      throw new RefusedException(name + ": " + e.getMessage(), e);
    }
  }

  private void refuseIfConfigured(String verb, String name) throws RefusedException {
    Configuration configuration = live.configured();
    String what = "dm " + verb + " " + name + ": ";
    if (state.state().volumes().containsKey(name)) {
      throw new RefusedException(what + "it is a volume; use anabranch volume " + verb);
    }
    if (configuration.volumes().containsKey(name) || configuration.devices().containsKey(name)) {
      throw new RefusedException(what + "it is in the configuration; change that, and reload");
    }
    if (state.state().snapshots().containsKey(name) || name.indexOf('@') >= 0) {
      throw new RefusedException(what + "volume@name is a snapshot; use anabranch snapshot");
    }
  }
}
