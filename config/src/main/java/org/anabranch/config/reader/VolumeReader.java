// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import com.typesafe.config.ConfigList;
import com.typesafe.config.ConfigValue;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.anabranch.config.DeviceConfig;
import org.anabranch.config.IdentityConfig;
import org.anabranch.config.SourceLocation;
import org.anabranch.config.TableLine;
import org.anabranch.config.VolumeConfig;
import org.anabranch.config.VolumeDefaults;
import org.anabranch.config.VolumeLimits;
import org.anabranch.config.source.FileSource;
import org.anabranch.config.source.NbdSource;
import org.anabranch.config.source.RbdSource;
import org.anabranch.config.source.VolumeSource;
import org.jspecify.annotations.Nullable;

/** Reads {@code volumes}, {@code volume-defaults} and {@code devices}: they share their names. */
final class VolumeReader {
  private static final int MAX_ROWS = 4096;
  private static final long MAX_BYTES = 8L << 50;
  private static final ValueFormat<Integer> BLOCK_SIZE = ValueFormat.oneOf(512, 4096);
  private static final ValueFormat<Integer> PHYSICAL_BLOCK_SIZE =
      ValueFormat.oneOf(512, 1024, 2048, 4096, 8192, 16384, 32768, 65536);
  private static final ValueFormat<NbdSource> NBD =
      ValueFormat.of(NbdSource.FORM, NbdSource::parse);
  private static final ValueFormat<String> CEPH_USER =
      ValueFormat.of(
          "the name of a user of Ceph without client., such as admin",
          text -> text.matches("[A-Za-z0-9._-]{1,64}") ? text : null);

  /** A pool of the cluster that {@code ceph} names. */
  static final ValueFormat<String> POOL =
      ValueFormat.of(
          "the name of a pool of Ceph, of letters, digits, '.', '_', '+' and '-'",
          text -> text.matches("[A-Za-z0-9._+-]{1,96}") ? text : null);

  private static final ValueFormat<TableLine> ROW =
      ValueFormat.of(
          "<start sector> <sectors> <type> <arguments>, as dmsetup takes it", TableLine::parse);

  private final Path baseDir;
  private final Section volumes;
  private final Section devices;
  private final VolumeDefaults defaults;
  private final HooksReader hooks;
  private final ValueFormat<RbdSource> rbd;

  /** Which volume has a source. */
  private final Map<VolumeSource, String> sources = new HashMap<>();

  /** Which volume has a serial or a NAA. */
  private final Map<String, String> identities = new HashMap<>();

  /**
   * @param hooks takes the hooks of each volume
   */
  VolumeReader(Path baseDir, Section top, HooksReader hooks) {
    this.hooks = hooks;
    this.baseDir = baseDir;
    this.defaults = defaults(top.section("volume-defaults"));
    this.rbd = rbd(top.section("ceph"));
    this.volumes = top.section("volumes");
    this.devices = top.section("devices");
  }

  /** Every name in the two sections, those of entries with problems included. */
  Set<String> names() {
    Set<String> names = new HashSet<>(volumes.names());
    names.addAll(devices.names());
    return names;
  }

  /** The place of each entry of the two sections, by name. */
  SortedMap<String, SourceLocation> locations() {
    SortedMap<String, SourceLocation> locations = new TreeMap<>();
    volumes.names().forEach(name -> locations.put(name, volumes.location(name)));
    devices.names().forEach(name -> locations.put(name, devices.location(name)));
    return locations;
  }

  private static VolumeDefaults defaults(Section section) {
    int blockSize = section.withDefault("block-size", BLOCK_SIZE);
    int physical = section.withDefault("physical-block-size", PHYSICAL_BLOCK_SIZE);
    boolean readOnly = section.withDefault("read-only", ValueFormat.BOOLEAN);
    boolean removable = section.withDefault("removable", ValueFormat.BOOLEAN);
    VolumeLimits limits = VolumeLimitsReader.defaults(section.section("limits"));
    section.end();
    return new VolumeDefaults(blockSize, physical, readOnly, removable, limits);
  }

  /** What a volume has unless it says otherwise. */
  VolumeDefaults defaults() {
    return defaults;
  }

  SortedMap<String, VolumeConfig> volumes() {
    SortedMap<String, VolumeConfig> result = new TreeMap<>();
    for (String name : volumes.names()) {
      if (!ValueFormat.isName(name)) {
        volumes.problem(name, "not a volume's name", ValueFormat.NAME.allowed());
      } else if (volumes.given(name) != null) {
        VolumeConfig volume = volume(name, volumes.section(name, Section.empty()));
        if (volume != null) {
          result.put(name, volume);
        }
      }
    }
    return result;
  }

  private @Nullable VolumeConfig volume(String name, Section section) {
    VolumeSource source = source(section);
    int blockSize =
        Objects.requireNonNullElse(
            section.optional("block-size", BLOCK_SIZE), defaults.blockSize());
    Integer givenPhysical = section.optional("physical-block-size", PHYSICAL_BLOCK_SIZE);
    int physical =
        givenPhysical != null ? givenPhysical : Math.max(blockSize, defaults.physicalBlockSize());
    if (physical < blockSize) {
      section.problem(
          "physical-block-size", "found " + physical, "no less than block-size, " + blockSize);
      physical = blockSize;
    }
    Long size = section.optional("size", ValueFormat.size(blockSize, MAX_BYTES, blockSize));
    boolean readOnly =
        Objects.requireNonNullElse(
            section.optional("read-only", ValueFormat.BOOLEAN), defaults.readOnly());
    boolean removable =
        Objects.requireNonNullElse(
            section.optional("removable", ValueFormat.BOOLEAN), defaults.removable());
    IdentityConfig identity = identity(name, section);
    hooks.volume(name, section);
    VolumeLimits limits =
        VolumeLimitsReader.limits(section.section("limits", Section.empty()), defaults.limits());
    section.end();
    if (source == null) {
      return null;
    }
    String other = sources.putIfAbsent(source, name);
    if (other != null) {
      section.problem(
          source.key(),
          "found " + Problems.printable(source.address()) + ", which is volume " + other + "'s",
          "an image of its own");
    }
    long sectors = size == null ? 0 : size / 512;
    return new VolumeConfig(
        name, source, sectors, blockSize, physical, readOnly, removable, identity, limits);
  }

  /** Images of the cluster that {@code ceph} names. */
  private ValueFormat<RbdSource> rbd(Section ceph) {
    String conf =
        ConfigurationReader.path(baseDir, ceph.withDefault("conf", ValueFormat.PATH)).toString();
    String user = ceph.withDefault("user", CEPH_USER);
    ceph.end();
    return ValueFormat.of(RbdSource.FORM, text -> RbdSource.of(text, conf, user));
  }

  /** Where the image is: the one key of the volume that each kind of source has. */
  private @Nullable VolumeSource source(Section section) {
    NbdSource nbd = section.optional("nbd", NBD);
    RbdSource image = section.optional("rbd", rbd);
    List<String> given = Stream.of("path", "nbd", "rbd").filter(section::has).toList();
    if (given.size() > 1) {
      section.problem(
          given.getLast(), "found beside " + given.getFirst(), "one of path, nbd and rbd");
    } else if (section.has("nbd")) {
      return nbd;
    } else if (section.has("rbd")) {
      return image;
    }
    String path = section.required("path", ValueFormat.PATH);
    return path == null ? null : new FileSource(ConfigurationReader.path(baseDir, path));
  }

  private IdentityConfig identity(String name, Section section) {
    IdentityConfig identity =
        new IdentityConfig(
            section.optional("serial", IdentityReader.SERIAL),
            section.optional("naa", IdentityReader.NAA),
            section.optional("vendor", IdentityReader.text(8)),
            section.optional("product", IdentityReader.text(16)),
            section.optional("revision", IdentityReader.text(4)),
            section.optional("t10", IdentityReader.T10));
    unique(name, section, "serial", identity.serial());
    unique(name, section, "naa", identity.naa());
    unique(name, section, "t10", identity.t10());
    return identity;
  }

  private void unique(String name, Section section, String key, @Nullable String value) {
    String other = value == null ? null : identities.putIfAbsent(key + " " + value, name);
    if (other != null) {
      section.problem(
          key,
          "found " + value + ", which is volume " + other + "'s",
          "one of its own: hosts take disks of the same identity for one disk");
    }
  }

  SortedMap<String, DeviceConfig> devices() {
    SortedMap<String, DeviceConfig> result = new TreeMap<>();
    for (String name : devices.names()) {
      ConfigValue value = devices.given(name);
      if (!ValueFormat.isName(name)) {
        devices.problem(name, "not a device's name", ValueFormat.NAME.allowed());
      } else if (volumes.has(name)) {
        devices.problem(name, "also the name of a volume", "a name of its own");
      } else if (value != null) {
        List<TableLine> table = table(name, value);
        if (!table.isEmpty()) {
          result.put(name, new DeviceConfig(name, table));
        }
      }
    }
    return result;
  }

  private List<TableLine> table(String name, ConfigValue value) {
    List<TableLine> rows = devices.list(name, ROW);
    int written = value instanceof ConfigList list ? list.size() : 1;
    if (written == 0 || written > MAX_ROWS) {
      devices.problem(name, "found " + written + " rows", "1 to " + MAX_ROWS + " rows");
      return List.of();
    }
    if (rows.size() < written) {
      return List.of(); // the rows that are wrong have been reported
    }
    long next = 0;
    for (TableLine row : rows) {
      if (row.start() != next) {
        devices.problem(
            name,
            "found a row that begins at sector " + row.start(),
            "rows without gaps, from sector 0 on; here " + next);
        return List.of();
      }
      next = row.start() + row.length();
    }
    return new ArrayList<>(rows);
  }
}
