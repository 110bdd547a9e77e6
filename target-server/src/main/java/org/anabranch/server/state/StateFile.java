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
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import org.anabranch.server.base.RefusedException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code state.json}: a {@link RuntimeState} that survives. Any thread may look; one at a time may
 * {@link #replace}, by its turn in {@link Changes}.
 *
 * <pre>{@code
 * {
 *   "devices" : { "raw0" : "0 2048 zero" },
 *   "snapshots" : {
 *     "vm1@before-upgrade" : {
 *       "chunk-sectors" : 8, "created" : "2026-11-22T19:00:00Z", "origin" : "/srv/vm1.img",
 *       "paused" : false, "phase" : "ready", "read-only" : false, "sectors" : 41943040,
 *       "store" : "/var/lib/anabranch/cow/vm1@before-upgrade.cow", "turn" : 0
 *     }
 *   },
 *   "version" : 2
 * }
 * }</pre>
 *
 * Version 1 had neither {@code origin} nor {@code turn}. It is read, and written as version 2.
 *
 * <p>{@code throttle}, in bytes a second, is there when the merge of a snapshot is bounded, {@code
 * description} when it has one, and {@code point}, a UUID, when this version or a later one took
 * the snapshot.
 *
 * <p>A file that does not read exactly like this is refused and never written over: whoever edited
 * it or whatever damaged it, what it stood for may be all that tells which stores belong to which
 * volumes.
 */
public final class StateFile {
  private static final Logger LOG = LoggerFactory.getLogger(StateFile.class);
  private static final int VERSION = 2;
  private static final int MAX_BYTES = 64 << 20;
  private static final Set<String> KEYS = Set.of("version", "snapshots", "devices");
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
          "point");

  private final DurableFile file;
  private final DurableSteps steps;
  private volatile RuntimeState state;

  /**
   * Reads the file; an absent one is an empty state.
   *
   * @throws RefusedException when it is damaged, or written by a newer version
   */
  public StateFile(Path path) throws RefusedException {
    this(path, DurableSteps.UNWATCHED);
  }

  /**
   * The same, watched.
   *
   * @param steps is notified of each step that makes a change durable
   */
  public StateFile(Path path, DurableSteps steps) throws RefusedException {
    this.steps = steps;
    file = new DurableFile(path, steps);
    state = read(file);
    forgetDraft();
    keepRoom();
  }

  /**
   * What a file holds; nothing is changed, and a server may run meanwhile.
   *
   * @throws RefusedException as when a server starts with it
   */
  public static RuntimeState look(Path path) throws RefusedException {
    return read(new DurableFile(path));
  }

  /** Is notified of each step that makes a change durable. */
  public DurableSteps steps() {
    return steps;
  }

  /** What is durable. */
  public RuntimeState state() {
    return state;
  }

  /**
   * Makes another state the durable one.
   *
   * @throws RefusedException when it could not be written: the old one stays
   */
  public void replace(RuntimeState next) throws RefusedException {
    try {
      file.write(render(next));
    } catch (IOException e) {
      throw new RefusedException(
          file.path() + " cannot be written: " + StateDirectory.reason(e), e);
    }
    state = next;
    keepRoom();
  }

  /** So that a snapshot can be removed from a disk that is full. */
  private void keepRoom() {
    try {
      file.keepRoom();
    } catch (IOException e) {
      LOG.warn(
          "no room is kept to write {} on a full disk: {}", file.path(), StateDirectory.reason(e));
    }
  }

  private void forgetDraft() throws RefusedException {
    try {
      file.forgetDraft();
    } catch (IOException e) {
      throw new RefusedException(file.path() + ": " + StateDirectory.reason(e), e);
    }
  }

  private static RuntimeState read(DurableFile file) throws RefusedException {
    try {
      return file.exists() ? parse(file, file.read(MAX_BYTES)) : RuntimeState.EMPTY;
    } catch (IOException e) {
      throw new RefusedException(file.path() + " cannot be read: " + StateDirectory.reason(e), e);
    } catch (Damage e) {
      throw new RefusedException(
          file.path()
              + " is damaged and was left as it is: "
              + e.getMessage()
              + "; restore it from a backup, or move it away to start without its snapshots (their"
              + " stores stay, and status names them) and without devices that dm made",
          e);
    }
  }

  /** What a text is not. */
  private static final class Damage extends Exception {
    private static final long serialVersionUID = 1L;

    Damage(String message) {
      super(message);
    }

    Damage(String message, Throwable cause) {
      super(message, cause);
    }
  }

  static String render(RuntimeState state) {
    Map<String, Object> snapshots = new LinkedHashMap<>();
    state.snapshots().forEach((device, snapshot) -> snapshots.put(device, render(snapshot)));
    Map<String, Object> root =
        Map.of("version", VERSION, "snapshots", snapshots, "devices", state.devices());
    return ConfigValueFactory.fromMap(root)
        .render(ConfigRenderOptions.defaults().setOriginComments(false).setComments(false));
  }

  private static Map<String, Object> render(SnapshotState snapshot) {
    Map<String, Object> entry = new HashMap<>();
    if (snapshot.origin() != null) {
      entry.put("origin", snapshot.origin());
    }
    entry.put("store", snapshot.store().toString());
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
    return entry;
  }

  private static RuntimeState parse(DurableFile file, String text) throws Damage, RefusedException {
    try {
      Config root =
          ConfigFactory.parseString(
              text, ConfigParseOptions.defaults().setSyntax(ConfigSyntax.JSON));
      int version = root.getInt("version");
      if (version > VERSION) {
        throw new RefusedException(
            file.path()
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
        snapshots.put(device, snapshot(device, entry));
      }
      SortedMap<String, String> devices = new TreeMap<>();
      for (String name : root.getObject("devices").keySet()) {
        devices.put(name, root.getString(ConfigUtil.joinPath("devices", name)));
      }
      return new RuntimeState(snapshots, devices);
    } catch (ConfigException e) {
      throw new Damage(String.valueOf(e.getMessage()), e);
    } catch (StackOverflowError e) {
      throw new Damage("it is nested too deeply", e);
    }
  }

  private static SnapshotState snapshot(String device, Config entry) throws Damage {
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
      return new SnapshotState(
          names[0],
          names[1],
          entry.hasPath("origin") ? entry.getString("origin") : null,
          Path.of(entry.getString("store")),
          sectors,
          chunkSectors,
          entry.getBoolean("read-only"),
          Instant.parse(entry.getString("created")),
          SnapshotState.Phase.valueOf(phase.toUpperCase(Locale.ROOT)),
          entry.getBoolean("paused"),
          entry.hasPath("turn") ? entry.getLong("turn") : 0,
          entry.hasPath("throttle") ? entry.getLong("throttle") : 0,
          entry.hasPath("description") ? entry.getString("description") : "",
          entry.hasPath("point") ? UUID.fromString(entry.getString("point")).toString() : null);
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
}
