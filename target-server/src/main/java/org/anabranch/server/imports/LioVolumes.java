// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.imports;

import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.anabranch.config.IdentityConfig;
import org.jspecify.annotations.Nullable;

/** The storage objects of LIO that can be volumes: files and block devices. */
final class LioVolumes {
  private static final int MAX_SERIAL = 64;

  /** What INQUIRY calls a plugin. */
  private static final Map<String, String> KINDS = Map.of("block", "IBLOCK", "fileio", "FILEIO");

  private final Losses losses;
  private final Identities identities;
  private final VolumeNames names = new VolumeNames();
  private final Map<String, ImportedVolume> byReference = new LinkedHashMap<>();
  private final Map<String, ImportedVolume> byPath = new HashMap<>();
  private final Map<String, String> obstacles = new HashMap<>();

  LioVolumes(Losses losses) {
    this.losses = losses;
    this.identities = new Identities(losses);
  }

  /** Reads {@code storage_objects}. */
  void read(List<LioObject> objects) {
    for (LioObject object : objects) {
      String plugin = object.text("plugin", "");
      String name = object.text("name", "");
      String reference = "/backstores/" + plugin + "/" + name;
      LioObject placed = object.at(object.where() + ": " + reference);
      String obstacle = obstacle(placed, plugin);
      if (obstacle == null) {
        byReference.put(reference, volume(placed, plugin, name));
      } else {
        losses.add(placed.where(), "it is left out: " + obstacle);
        obstacles.put(reference, obstacle);
      }
    }
  }

  /** All that can be volumes, each path once. */
  Collection<ImportedVolume> volumes() {
    return byPath.values().stream().sorted((a, b) -> a.name().compareTo(b.name())).toList();
  }

  /** The volume that a LUN's {@code storage_object} names; null if it is none. */
  @Nullable ImportedVolume find(String reference) {
    return byReference.get(reference);
  }

  /** Why that is none. */
  String obstacle(String reference) {
    return obstacles.getOrDefault(reference, "there is no such storage object");
  }

  private static @Nullable String obstacle(LioObject object, String plugin) {
    long blockSize = object.object("attributes").number("block_size", 512);
    return switch (plugin) {
      case "block", "fileio", "pscsi" -> {
        if (!object.text("dev", "").startsWith("/")) {
          yield "dev is no absolute path";
        }
        yield blockSize == 512 || blockSize == 4096
            ? null
            : "block_size " + blockSize + ": only 512 and 4096 can be served here";
      }
      case "ramdisk" -> "a ramdisk has no file, and its data is lost when its server stops";
      default ->
          "plugin "
              + plugin
              + " ("
              + object.text("config", "no config")
              + "): only files and block devices can be served here";
    };
  }

  private ImportedVolume volume(LioObject object, String plugin, String name) {
    String path = object.text("dev", "");
    ImportedVolume known = byPath.get(path);
    if (known != null) {
      losses.add(
          object.where(),
          path + " is another storage object's too; here it is volume " + known.name() + " alone");
      return known;
    }
    LioObject attributes = object.object("attributes");
    int blockSize = (int) attributes.number("block_size", 512);
    report(object, attributes, plugin);
    ImportedVolume volume =
        new ImportedVolume(
            names.of(name),
            path,
            size(object, plugin, blockSize),
            blockSize,
            null,
            object.isTrue("readonly", false),
            false,
            identities.of(object.where(), path, identity(object, attributes, plugin, name)));
    byPath.put(path, volume);
    return volume;
  }

  /** The size of a file; a block device has its own. */
  private @Nullable Long size(LioObject object, String plugin, int blockSize) {
    long size = object.number("size", 0);
    if (!plugin.equals("fileio") || size <= 0 || object.text("dev", "").startsWith("/dev/")) {
      return null;
    }
    if (size % blockSize != 0) {
      losses.add(object.where(), "size " + size + " is no multiple of " + blockSize + ": left out");
      return null;
    }
    return size;
  }

  private IdentityConfig identity(
      LioObject object, LioObject attributes, String plugin, String name) {
    String serial = object.text("wwn");
    if (plugin.equals("pscsi")) {
      losses.add(
          object.where(),
          "pscsi passes commands to the disk itself, and here they are served as of any block"
              + " device: to keep its names, set serial, naa, vendor and product as sg_inq "
              + object.text("dev", "")
              + " shows them");
      return IdentityConfig.NONE;
    }
    if (serial == null || !serial.matches("[!-~]{1," + MAX_SERIAL + "}")) {
      losses.add(
          object.where(),
          serial == null
              ? "it has no wwn: LIO made another serial at each start; the disk gets one"
              : "wwn " + serial + " cannot be a serial here; the disk gets one");
      return IdentityConfig.NONE;
    }
    String kind = KINDS.getOrDefault(plugin, plugin);
    return LioIdentity.of(serial, name, kind, attributes.isTrue("emulate_model_alias", true));
  }

  private void report(LioObject object, LioObject attributes, String plugin) {
    boolean writeBack =
        object.isTrue("write_back", attributes.isTrue("emulate_write_cache", false));
    if (!writeBack && !plugin.equals("pscsi")) {
      losses.add(
          object.where(),
          "write_back false has no counterpart: a volume has a volatile cache, which hosts flush");
    }
    if (attributes.number("emulate_pr", 1) == 0) {
      losses.add(object.where(), "emulate_pr 0 has no counterpart: reservations are served");
    }
    for (LioObject group : object.objects("alua_tpgs")) {
      boolean plain =
          group.text("name", "").equals("default_tg_pt_gp")
              && group.number("alua_access_state", 0) == 0
              && group.number("preferred", 0) == 0;
      if (!plain) {
        losses.add(
            object.where(),
            "ALUA group "
                + group.text("name", "")
                + " has no counterpart: all ports are active and optimized here");
      }
    }
  }
}
