// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.imports;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.anabranch.config.IdentityConfig;
import org.anabranch.config.LunConfig;
import org.anabranch.server.imports.TargetsConf.Entry;

/**
 * The LUNs of tgt's targets, and the files behind them. tgt-admin numbers LUNs so: first the
 * backing-stores by their paths, then the direct-stores by theirs, each with its own {@code lun} or
 * else the first from 1 on that no block of the target asks for; a {@code lun} of the target wins
 * over both.
 */
final class TgtStores {
  private static final int MAX_EXPONENT = 7; // 512 bytes become 64 KiB

  private final Losses losses;
  private final Identities identities;
  private final VolumeNames names = new VolumeNames();
  private final Map<String, ImportedVolume> volumes = new LinkedHashMap<>();

  /** Paths that are LUNs of more than one target. */
  private final Set<String> shared = new HashSet<>();

  TgtStores(Losses losses) {
    this.losses = losses;
    this.identities = new Identities(losses);
  }

  /** Finds the files that several LUNs are: whether one can be written is the LUN's matter then. */
  void share(Collection<Entry> targets) {
    Set<String> seen = new HashSet<>();
    for (Entry target : targets) {
      Set<String> own = new HashSet<>();
      for (Entry entry : target.entries()) {
        if (entry.key().equals("backing-store") || entry.key().equals("direct-store")) {
          own.add(entry.value());
        }
      }
      own.stream().filter(path -> !seen.add(path)).forEach(shared::add);
    }
  }

  /** The volumes of all targets so far. */
  Collection<ImportedVolume> volumes() {
    return volumes.values();
  }

  /**
   * The LUNs of a target.
   *
   * @param target its options and blocks
   * @param tid its number
   * @param dumped whether the stores are in the order of their LUNs, see {@link TgtDump}
   */
  SortedMap<Integer, LunConfig> luns(List<Entry> target, int tid, boolean dumped) {
    Map<String, Entry> backing = byPath(target, "backing-store", dumped);
    Map<String, Entry> direct = byPath(target, "direct-store", dumped);
    List<Entry> stores = new ArrayList<>(backing.values());
    stores.addAll(direct.values());
    Set<Integer> reserved = new HashSet<>();
    for (Entry store : stores) {
      for (Entry own : store.options("lun")) {
        reserved.add(number(own));
      }
    }
    SortedMap<Integer, LunConfig> luns = new TreeMap<>();
    for (Entry store : stores) {
      TgtSettings settings = new TgtSettings(losses, store.where(), target, store.entries());
      int number = settings.number("lun", firstFree(reserved));
      reserved.add(number);
      String obstacle = settings.obstacle(store.value());
      if (number > LunConfig.MAX_NUMBER) {
        losses.add(store.where(), "LUN " + number + ": the largest is " + LunConfig.MAX_NUMBER);
      } else if (!obstacle.isEmpty()) {
        losses.add(store.where(), "LUN " + number + " is left out: " + obstacle);
      } else {
        String volume = volume(store, settings, tid, number).name();
        boolean readOnly = shared.contains(store.value()) && settings.isTrue("readonly");
        luns.put(number, new LunConfig(number, volume, readOnly, List.of()));
      }
    }
    return luns;
  }

  private static Map<String, Entry> byPath(List<Entry> target, String kind, boolean dumped) {
    Map<String, Entry> stores = dumped ? new LinkedHashMap<>() : new TreeMap<>();
    for (Entry entry : target) {
      if (entry.key().equals(kind)) {
        stores.merge(
            entry.value(),
            entry,
            (one, other) -> {
              List<Entry> both = new ArrayList<>(one.entries());
              both.addAll(other.entries());
              return new Entry(one.where(), kind, one.value(), both, true);
            });
      }
    }
    return stores;
  }

  private static int number(Entry lun) {
    return lun.value().matches("[0-9]{1,9}") ? Integer.parseInt(lun.value()) : 0;
  }

  private static int firstFree(Set<Integer> reserved) {
    int number = 1;
    while (reserved.contains(number)) {
      number++;
    }
    return number;
  }

  private ImportedVolume volume(Entry store, TgtSettings settings, int tid, int lun) {
    settings.report();
    boolean direct = store.key().equals("direct-store");
    IdentityConfig identity =
        direct ? ofDisk(store, settings, tid, lun) : new TgtIdentity(losses, settings).of(tid, lun);
    int blockSize = settings.number("block-size", 512);
    ImportedVolume known = volumes.get(store.value());
    if (known != null) {
      List<String> differs = new ArrayList<>();
      if (!Objects.equals(known.identity().naa(), identity.naa())) {
        differs.add("under another identity");
      }
      if (known.blockSize() != blockSize) {
        differs.add("with blocks of " + known.blockSize() + " bytes, not of " + blockSize);
      }
      if (!differs.isEmpty()) {
        losses.add(
            store.where(),
            store.value()
                + " is a LUN of another target, too, "
                + String.join(" and ", differs)
                + ": here it has one for both, that of volume "
                + known.name());
      }
      return known;
    }
    int exponent = settings.number("lbppbe", 0);
    Integer physical =
        exponent == 0 ? null : Math.min(blockSize << Math.min(exponent, MAX_EXPONENT), 65536);
    ImportedVolume volume =
        new ImportedVolume(
            names.ofPath(store.value()),
            store.value(),
            null,
            blockSize,
            physical,
            settings.isTrue("readonly") && !shared.contains(store.value()),
            settings.isTrue("removable"),
            identities.of(store.where(), store.value(), identity));
    volumes.put(store.value(), volume);
    return volume;
  }

  /** A direct-store takes from the disk, when tgt-admin runs, what the file does not set. */
  private IdentityConfig ofDisk(Entry store, TgtSettings settings, int tid, int lun) {
    IdentityConfig all = new TgtIdentity(losses, settings).of(tid, lun);
    losses.add(
        store.where(),
        "direct-store takes serial, vendor, product and revision from the disk unless the file sets"
            + " them: set those of sg_inq "
            + store.value()
            + " in the volume");
    return new IdentityConfig(
        settings.has("scsi_sn") ? all.serial() : null,
        all.naa(),
        settings.has("vendor_id") ? all.vendor() : null,
        settings.has("product_id") ? all.product() : null,
        settings.has("product_rev") ? all.revision() : null,
        all.t10());
  }
}
