// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigSyntax;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValueFactory;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import org.anabranch.config.LunConfig;
import org.anabranch.config.VolumeLimits;
import org.anabranch.server.base.RefusedException;
import org.jspecify.annotations.Nullable;

/**
 * A {@link RuntimeState} as the text of {@code state.json}.
 *
 * <pre>{@code
 * {
 *   "devices" : { "raw0" : "0 2048 zero" },
 *   "luns" : [
 *     { "device" : "web", "number" : 3, "read-only" : false, "target" : "iqn.2026-11.org.example:t" }
 *   ],
 *   "snapshots" : {
 *     "vm1@before-upgrade" : {
 *       "chunk-sectors" : 8, "created" : "2026-11-22T19:00:00Z", "origin" : "/srv/vm1.img",
 *       "paused" : false, "phase" : "ready", "read-only" : false, "sectors" : 41943040,
 *       "store" : "./cow/vm1@before-upgrade.cow", "turn" : 0
 *     }
 *   },
 *   "version" : 3,
 *   "volumes" : {
 *     "web" : {
 *       "block-size" : 512, "created" : "2026-11-22T19:00:00Z", "path" : "./images/web.img",
 *       "phase" : "ready", "physical-block-size" : 512
 *     }
 *   }
 * }
 * }</pre>
 *
 * Paths are as {@link StatePaths} writes them, in tables too. Version 2 had absolute ones, and
 * neither {@code volumes} nor {@code luns}; version 1 had neither {@code origin} nor {@code turn}.
 * Both are read, and written as version 3.
 *
 * <p>{@code read-only-devices} lists those of the devices whose writes fail, if there are any.
 *
 * <p>{@code read-only} and {@code removable} of a volume are there when they are true, and {@code
 * limits} when {@code volume limit} has set some.
 *
 * <p>{@code throttle}, in bytes a second, is there when the merge of a snapshot is bounded, {@code
 * description} when it has one, {@code point}, a UUID, when this version or a later one took the
 * snapshot, and {@code second-store} while a merge keeps it: see {@link SnapshotState#secondStore}.
 *
 * @param file for messages
 * @param paths how it names files
 */
record StateText(Path file, StatePaths paths) {
  private static final int VERSION = 3;
  private static final Set<String> KEYS =
      Set.of("version", "snapshots", "devices", "volumes", "luns", "read-only-devices");
  private static final Set<String> SNAPSHOT_KEYS =
      Set.of(
          "store",
          "sectors",
          "chunk-sectors",
          "read-only",
          "created",
          "phase",
          "paused",
          "origin",
          "turn",
          "throttle",
          "description",
          "point",
          "second-store",
          "schedule",
          "schedule-run",
          "schedule-due");

  private static final Set<String> VOLUME_KEYS =
      Set.of(
          "path",
          "block-size",
          "physical-block-size",
          "read-only",
          "removable",
          "limits",
          "from",
          "created",
          "phase",
          "token");
  private static final Set<String> LUN_KEYS = Set.of("target", "number", "device", "read-only");

  /** What a text is not. */
  static final class Damage extends Exception {
    private static final long serialVersionUID = 1L;

    Damage(String message) {
      super(message);
    }

    Damage(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /** The text of a state. */
  String render(RuntimeState state) {
    Map<String, Object> snapshots = new LinkedHashMap<>();
    state.snapshots().forEach((device, snapshot) -> snapshots.put(device, render(snapshot)));
    Map<String, Object> devices = new LinkedHashMap<>();
    state.devices().forEach((name, table) -> devices.put(name, paths.writtenTable(table)));
    Map<String, Object> volumes = new LinkedHashMap<>();
    state.volumes().values().forEach(volume -> volumes.put(volume.name(), render(volume)));
    List<Map<String, Object>> luns = state.luns().stream().map(StateText::render).toList();
    Map<String, Object> root =
        new HashMap<>(
            Map.of(
                "version",
                VERSION,
                "snapshots",
                snapshots,
                "devices",
                devices,
                "volumes",
                volumes,
                "luns",
                luns));
    if (!state.readOnlyDevices().isEmpty()) {
      root.put("read-only-devices", List.copyOf(state.readOnlyDevices()));
    }
    return ConfigValueFactory.fromMap(root)
        .render(ConfigRenderOptions.defaults().setOriginComments(false).setComments(false));
  }

  private Map<String, Object> render(SnapshotState snapshot) {
    Map<String, Object> entry = new HashMap<>();
    if (snapshot.origin() != null) {
      entry.put("origin", paths.written(snapshot.origin()));
    }
    entry.put("store", paths.written(snapshot.store()));
    entry.put("sectors", snapshot.sectors());
    entry.put("chunk-sectors", snapshot.chunkSectors());
    entry.put("read-only", snapshot.readOnly());
    entry.put("created", snapshot.created().toString());
    entry.put("phase", snapshot.phase().name().toLowerCase(Locale.ROOT));
    entry.put("paused", snapshot.paused());
    entry.put("turn", snapshot.turn());
    if (snapshot.throttle() > 0) {
      entry.put("throttle", snapshot.throttle());
    }
    if (!snapshot.description().isEmpty()) {
      entry.put("description", snapshot.description());
    }
    if (snapshot.point() != null) {
      entry.put("point", snapshot.point());
    }
    if (snapshot.secondStore() != null) {
      entry.put("second-store", paths.written(snapshot.secondStore()));
    }
    ScheduledBy scheduled = snapshot.scheduled();
    if (scheduled != null) {
      entry.put("schedule", scheduled.schedule());
      entry.put("schedule-run", scheduled.run());
      entry.put("schedule-due", scheduled.due().toString());
    }
    return entry;
  }

  private Map<String, Object> render(VolumeState volume) {
    Map<String, Object> entry = new HashMap<>();
    entry.put("path", paths.written(volume.path()));
    entry.put("block-size", volume.disk().blockSize());
    entry.put("physical-block-size", volume.disk().physicalBlockSize());
    if (volume.disk().readOnly()) {
      entry.put("read-only", true);
    }
    if (volume.disk().removable()) {
      entry.put("removable", true);
    }
    if (volume.limits() != null) {
      entry.put("limits", LimitsText.render(volume.limits()));
    }
    entry.put("created", volume.created().toString());
    entry.put("phase", volume.phase().name().toLowerCase(Locale.ROOT));
    if (volume.from() != null) {
      entry.put("from", volume.from());
    }
    if (!volume.token().isEmpty()) {
      entry.put("token", volume.token());
    }
    return entry;
  }

  private static Map<String, Object> render(LunState lun) {
    return Map.of(
        "target",
        lun.target(),
        "number",
        lun.number(),
        "device",
        lun.device(),
        "read-only",
        lun.readOnly());
  }

  /**
   * The state that a text stands for.
   *
   * @throws Damage when it is no such text
   * @throws RefusedException when a newer version wrote it
   */
  RuntimeState parse(String text) throws Damage, RefusedException {
    try {
      Config root =
          ConfigFactory.parseString(
              text, ConfigParseOptions.defaults().setSyntax(ConfigSyntax.JSON));
      int version = root.getInt("version");
      if (version > VERSION) {
        throw new RefusedException(
            file
                + " was written by a newer version of the server: it has version "
                + version
                + ", this one reads up to "
                + VERSION
                + "; install that version, or restore the state directory from a backup that this"
                + " version made");
      }
      if (version < 1) {
        throw new Damage("it has version " + version);
      }
      onlyKeys("", root, KEYS);
      SortedMap<String, SnapshotState> snapshots = new TreeMap<>();
      for (String device : root.getObject("snapshots").keySet()) {
        Config entry = root.getConfig(ConfigUtil.joinPath("snapshots", device));
        snapshots.put(device, snapshot(device, entry, version));
      }
      SortedMap<String, String> devices = new TreeMap<>();
      for (String name : root.getObject("devices").keySet()) {
        devices.put(name, paths.readTable(root.getString(ConfigUtil.joinPath("devices", name))));
      }
      return new RuntimeState(
          snapshots, devices, volumes(root), luns(root), readOnly(root, devices.keySet()));
    } catch (ConfigException e) {
      throw new Damage(String.valueOf(e.getMessage()), e);
    } catch (StackOverflowError e) {
      throw new Damage("it is nested too deeply", e);
    }
  }

  private SortedMap<String, VolumeState> volumes(Config root) throws Damage {
    SortedMap<String, VolumeState> volumes = new TreeMap<>();
    if (root.hasPath("volumes")) {
      for (String name : root.getObject("volumes").keySet()) {
        volumes.put(name, volume(name, root.getConfig(ConfigUtil.joinPath("volumes", name))));
      }
    }
    return volumes;
  }

  private VolumeState volume(String name, Config entry) throws Damage {
    onlyKeys("volume " + name + ": ", entry, VOLUME_KEYS);
    String phase = entry.getString("phase");
    try {
      return new VolumeState(
          name,
          Path.of(paths.read(entry.getString("path"))),
          new VolumeDisk(
              entry.getInt("block-size"),
              entry.getInt("physical-block-size"),
              entry.hasPath("read-only") && entry.getBoolean("read-only"),
              entry.hasPath("removable") && entry.getBoolean("removable")),
          limits(name, entry),
          entry.hasPath("from") ? entry.getString("from") : null,
          Instant.parse(entry.getString("created")),
          VolumeState.Phase.valueOf(phase.toUpperCase(Locale.ROOT)),
          entry.hasPath("token") ? entry.getString("token") : "");
    } catch (IllegalArgumentException | DateTimeException e) {
      throw new Damage("volume " + name + ": " + e.getMessage(), e);
    }
  }

  private static @Nullable VolumeLimits limits(String volume, Config entry) throws Damage {
    if (!entry.hasPath("limits")) {
      return null;
    }
    Config limits = entry.getConfig("limits");
    onlyKeys("volume " + volume + ", limits: ", limits, LimitsText.KEYS);
    return LimitsText.parse(limits);
  }

  private static SortedSet<LunState> luns(Config root) throws Damage {
    SortedSet<LunState> luns = new TreeSet<>();
    if (root.hasPath("luns")) {
      for (Config entry : root.getConfigList("luns")) {
        onlyKeys("LUN: ", entry, LUN_KEYS);
        int number = entry.getInt("number");
        if (number < 0 || number > LunConfig.MAX_NUMBER) {
          throw new Damage("LUN: number is " + number);
        }
        luns.add(
            new LunState(
                entry.getString("target"),
                number,
                entry.getString("device"),
                entry.getBoolean("read-only")));
      }
    }
    return luns;
  }

  private SnapshotState snapshot(String device, Config entry, int version) throws Damage {
    onlyKeys("snapshot " + device + ": ", entry, SNAPSHOT_KEYS);
    String[] names = device.split("@", -1);
    if (names.length != 2 || names[0].isEmpty() || names[1].isEmpty()) {
      throw new Damage("\"" + device + "\" is no volume@snapshot");
    }
    String phase = entry.getString("phase");
    try {
      int chunkSectors = entry.getInt("chunk-sectors");
      if (chunkSectors < 1 || Integer.bitCount(chunkSectors) != 1) {
        throw new Damage("snapshot " + device + ": chunk-sectors is " + chunkSectors);
      }
      long sectors = entry.getLong("sectors");
      if (sectors < 1 || sectors > Long.MAX_VALUE / 512) {
        throw new Damage("snapshot " + device + ": sectors is " + sectors);
      }
      SnapshotState found =
          new SnapshotState(
              names[0],
              names[1],
              entry.hasPath("origin") ? paths.read(entry.getString("origin")) : null,
              paths.readStore(entry.getString("store"), version),
              sectors,
              chunkSectors,
              entry.getBoolean("read-only"),
              Instant.parse(entry.getString("created")),
              SnapshotState.Phase.valueOf(phase.toUpperCase(Locale.ROOT)),
              entry.getBoolean("paused"),
              entry.hasPath("turn") ? entry.getLong("turn") : 0,
              entry.hasPath("throttle") ? entry.getLong("throttle") : 0,
              entry.hasPath("description") ? entry.getString("description") : "",
              entry.hasPath("point") ? UUID.fromString(entry.getString("point")).toString() : null,
              entry.hasPath("second-store")
                  ? paths.readStore(entry.getString("second-store"), version)
                  : null,
              entry.hasPath("schedule")
                  ? new ScheduledBy(
                      entry.getString("schedule"),
                      entry.getLong("schedule-run"),
                      Instant.parse(entry.getString("schedule-due")))
                  : null);
      // One of an older version keeps its point from now on, also when the folder is moved.
      return found.point() == null ? found.of(found.pointId(), found.created()) : found;
    } catch (IllegalArgumentException | DateTimeException e) {
      throw new Damage(
          "snapshot "
              + device
              + ": "
              + (e instanceof InvalidPathException ? "store" : e.getMessage()),
          e);
    }
  }

  private static void onlyKeys(String where, Config object, Set<String> keys) throws Damage {
    for (String key : new TreeSet<>(object.root().keySet())) {
      if (!keys.contains(key)) {
        throw new Damage(where + "unknown key \"" + key + "\"");
      }
    }
  }

  /** Those of the devices whose writes fail; none where the key is absent. */
  private static SortedSet<String> readOnly(Config root, Set<String> devices) throws Damage {
    SortedSet<String> readOnly =
        new TreeSet<>(
            root.hasPath("read-only-devices")
                ? root.getStringList("read-only-devices")
                : List.of());
    if (!devices.containsAll(readOnly)) {
      throw new Damage("read-only-devices names a device that is not there");
    }
    return readOnly;
  }
}
