// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.imports;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.anabranch.server.imports.TargetsConf.Entry;

/** The settings of one LUN of tgt: those of its target, and its own, which win. */
final class TgtSettings {
  /** What stands in a target for all of its LUNs, or in the block of one. */
  static final Set<String> NAMES =
      Set.of(
          "scsi_id",
          "scsi_sn",
          "vendor_id",
          "product_id",
          "product_rev",
          "sense_format",
          "removable",
          "online",
          "path",
          "mode_page",
          "lbppbe",
          "la_lba",
          "optimal_xfer_gran",
          "optimal_xfer_len",
          "readonly",
          "params",
          "write-cache",
          "device-type",
          "bs-type",
          "bsopts",
          "bsoflags",
          "block-size",
          "lun",
          "allow-in-use");

  /** What has no counterpart, whatever its value, and why that may be. */
  private static final Map<String, String> NO_COUNTERPART =
      Map.of(
          "mode_page", "mode pages are fixed here",
          "sense_format", "sense data has the fixed format, or the one that the host sets",
          "la_lba", "block 0 is aligned here",
          "optimal_xfer_gran", "it follows from physical-block-size here",
          "optimal_xfer_len", "it follows from limits.memory here",
          "bsopts", "files are opened in one way here",
          "bsoflags", "files are opened in one way here");

  private final Losses losses;
  private final String where;
  private final Map<String, Entry> values = new LinkedHashMap<>();

  /**
   * @param where the place of the LUN's store
   */
  TgtSettings(Losses losses, String where, List<Entry> target, List<Entry> own) {
    this.losses = losses;
    this.where = where;
    target.forEach(this::put);
    own.forEach(this::put);
  }

  private void put(Entry entry) {
    if (entry.isBlock() || !NAMES.contains(entry.key())) {
      return;
    }
    String reason = NO_COUNTERPART.get(entry.key());
    if (reason != null) {
      losses.add(entry.where(), entry.key() + " has no counterpart: " + reason);
    } else if (entry.key().equals("params")) {
      parameters(entry);
    } else {
      values.put(entry.key(), entry);
    }
  }

  /** {@code params a=b,c=d} says what options of these names say. */
  private void parameters(Entry entry) {
    for (String part : entry.value().split(",", -1)) {
      String[] words = part.strip().split("=", 2);
      if (words.length == 2 && NAMES.contains(words[0]) && !words[0].equals("params")) {
        put(new Entry(entry.where(), words[0], words[1], List.of(), false));
      } else if (!words[0].equals(
          "thin_provisioning")) { // files are thin here wherever they can be
        losses.add(entry.where(), "params " + part.strip() + " has no counterpart");
      }
    }
  }

  /** The value of a setting, or what it is without one. */
  String value(String name, String standard) {
    Entry entry = values.get(name);
    return entry == null ? standard : entry.value();
  }

  /** The place of a setting: that of the store where there is none. */
  String where(String name) {
    Entry entry = values.get(name);
    return entry == null ? where : entry.where();
  }

  boolean has(String name) {
    return values.containsKey(name);
  }

  boolean isTrue(String name) {
    return value(name, "0").matches("1|yes|on|true");
  }

  /** A number; the standard where there is none, or it is none, which is a loss. */
  int number(String name, int standard) {
    String text = value(name, Integer.toString(standard));
    if (text.matches("[0-9]{1,9}")) {
      return Integer.parseInt(text);
    }
    losses.add(where(name), name + " " + text + " is no number");
    return standard;
  }

  /** Why the store can be no volume here; empty if it can. */
  String obstacle(String path) {
    String type = value("device-type", "disk");
    String kind = value("bs-type", "rdwr");
    int blockSize = number("block-size", 512);
    if (!type.equals("disk")) {
      return "device-type " + type + ": only disks can be served here";
    }
    if (!kind.equals("rdwr") && !kind.equals("aio")) {
      return "bs-type " + kind + ": only files and block devices can be served here";
    }
    if (blockSize != 512 && blockSize != 4096) {
      return "block-size " + blockSize + ": only 512 and 4096 can be served here";
    }
    return path.startsWith("/") ? "" : "it is no absolute path";
  }

  /** Reports what the volume does not keep. */
  void report() {
    if (value("write-cache", "on").equals("off")) {
      losses.add(
          where("write-cache"),
          "write-cache off has no counterpart: a volume has a volatile cache, which hosts flush");
    }
    if (has("online") && !isTrue("online")) {
      losses.add(where("online"), "online 0 has no counterpart: the LUN is served");
    }
    if (has("path")) {
      losses.add(where("path"), "path has no counterpart: give the volume that path");
    }
  }
}
