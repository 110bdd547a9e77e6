// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigValue;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.anabranch.config.ChapConfig;
import org.anabranch.config.LunConfig;
import org.anabranch.config.Portal;
import org.anabranch.config.Suggestion;
import org.anabranch.config.TargetConfig;
import org.anabranch.naming.AccessList;
import org.anabranch.naming.InitiatorPattern;
import org.anabranch.naming.IscsiName;
import org.jspecify.annotations.Nullable;

/** Reads {@code targets}. */
final class TargetReader {
  private static final String NAME_FORMAT =
      "an iSCSI name in quotes: iqn.YYYY-MM.reversed.domain:anything, eui. with 16 hexadecimal"
          + " digits, naa. with 16 or 32; at most 223 bytes";
  private static final String LUN_FORMAT =
      "a volume or device, or volume@snapshot, or { device = ..., read-only = ..., initiators ="
          + " [...] }";
  private static final String NO_LUNS =
      "no LUNs: initiators that log in find no disk here, unless anabranch lun add has added one";
  private static final String SOME_LUNS = "luns { 0 = NAME }";

  private final Section targets;
  private final List<Portal> portals;
  private final Set<String> devices;
  private final ChapReader chap;

  /**
   * @param devices the names of volumes and devices
   */
  TargetReader(Section targets, List<Portal> portals, Set<String> devices, ChapReader chap) {
    this.targets = targets;
    this.portals = portals;
    this.devices = devices;
    this.chap = chap;
  }

  SortedMap<String, TargetConfig> targets() {
    SortedMap<String, TargetConfig> result = new TreeMap<>();
    for (String key : targets.names()) {
      String name = name(key);
      if (name != null && targets.given(key) != null) {
        TargetConfig target = target(name, targets.section(key, Section.empty()));
        if (result.put(name, target) != null) {
          targets.problem(key, "the same name as another target's", "each target once");
        }
      }
    }
    warnOfGroupsWithoutTarget(result);
    warnOfSharedVolumes(result);
    return result;
  }

  /** The normalised name, or null (and a problem) when a target cannot be called so. */
  private @Nullable String name(String key) {
    String flaw = IscsiName.flaw(key);
    if (flaw == null && key.indexOf('*') >= 0) {
      flaw = "it has a *, and patterns are for initiators";
    }
    boolean qualified = key.indexOf('.') >= 0 || key.indexOf(':') >= 0;
    if (flaw == null && qualified) {
      IscsiName name = new IscsiName(key);
      String deviation = name.deviation();
      if (deviation != null) {
        targets.warn(
            key,
            "not a standard iSCSI name: " + deviation + "; some initiators refuse it",
            NAME_FORMAT);
      }
      return name.text();
    }
    boolean cut = key.equals("iqn") || key.equals("eui") || key.equals("naa");
    targets.problem(
        key,
        "not an iSCSI name"
            + (cut ? "; put the target's name in quotes" : flaw == null ? "" : ": " + flaw),
        NAME_FORMAT);
    return null;
  }

  private TargetConfig target(String name, Section section) {
    SortedMap<Integer, LunConfig> luns = luns(section);
    String alias = section.optional("alias", ValueFormat.ALIAS);
    AccessList access =
        new AccessList(
            initiators(section), section.nonEmptyList("addresses", ValueFormat.ADDRESSES));
    List<ChapConfig> users = chap.users(section);
    Set<Integer> groups = portalGroups(section);
    boolean open =
        ConfigurationReader.isTrue(section.optional("open-to-anyone", ValueFormat.BOOLEAN));
    TargetConfig target = new TargetConfig(name, alias, luns, access, users, groups, open);
    if (isExposed(target) && access.namesAnybody() && !section.has("chap") && !open) {
      section.problem(
          "anybody who reaches a portal could log in: neither initiators nor chap",
          "initiators = [...] without a pattern that matches everybody, chap { ... }, or"
              + " open-to-anyone = true if that is what you want; or only loopback portals");
    }
    warnOfUsersWhoCannotLogIn(section, target);
    section.end();
    return target;
  }

  private boolean isExposed(TargetConfig target) {
    return portals.stream()
        .anyMatch(portal -> !portal.isLoopback() && target.isReachedThrough(portal.group()));
  }

  private Set<Integer> portalGroups(Section section) {
    Set<Integer> groups =
        new TreeSet<>(section.nonEmptyList("portal-groups", ValueFormat.integer(1, 65535)));
    Set<Integer> there = portals.stream().map(Portal::group).collect(Collectors.toSet());
    for (int group : groups) {
      if (!there.contains(group)) {
        section.problem(
            "portal-groups",
            "found " + group + ", but no portal is in this group",
            there.stream().sorted().map(Object::toString).collect(Collectors.joining(", ")));
      }
    }
    return groups;
  }

  private void warnOfGroupsWithoutTarget(SortedMap<String, TargetConfig> read) {
    for (Portal portal : portals) {
      boolean used =
          read.values().stream().anyMatch(target -> target.isReachedThrough(portal.group()));
      if (!used && !read.isEmpty()) {
        targets.warn("no target is reached through portal " + portal, "");
      }
    }
  }

  /** Two hosts that write to one volume destroy each other's file system. */
  private void warnOfSharedVolumes(SortedMap<String, TargetConfig> read) {
    SortedMap<String, List<String>> writers = new TreeMap<>();
    read.forEach((name, target) -> {
      for (LunConfig lun : target.luns().values()) {
        if (!lun.readOnly()) {
          writers
              .computeIfAbsent(lun.device(), device -> new ArrayList<>())
              .add("LUN " + lun.number() + " of " + name);
        }
      }
    });
    writers.forEach((device, paths) -> {
      if (paths.size() > 1) {
        targets.warn(
            device
                + " can be written through "
                + String.join(" and ", paths)
                + ": only a cluster file system survives two hosts that write to it; if it is for"
                + " one host, or all but one shall only read, say so with initiators or read-only",
            "");
      }
    });
  }

  /** A user whose initiators are not among the target's is a mistake that shows at login only. */
  private static void warnOfUsersWhoCannotLogIn(Section section, TargetConfig target) {
    for (ChapConfig user : target.chap()) {
      for (InitiatorPattern initiator : user.initiators()) {
        if (initiator.text().indexOf('*') < 0
            && !AccessList.matches(target.access().initiators(), new IscsiName(initiator.text()))) {
          section.warn(
              "chap",
              "user " + user.user() + " is for " + initiator + ", which initiators does not admit",
              "");
        }
      }
    }
  }

  /**
   * The key {@code initiators}: names and patterns, with a warning for those that look mistyped.
   */
  static List<InitiatorPattern> initiators(Section section) {
    List<InitiatorPattern> patterns = section.nonEmptyList("initiators", ValueFormat.INITIATOR);
    for (InitiatorPattern pattern : patterns) {
      String deviation = pattern.deviation();
      if (deviation != null) {
        section.warn(
            "initiators",
            "\"" + Problems.printable(pattern.text()) + "\" matches no standard name: " + deviation,
            "");
      }
    }
    return patterns;
  }

  private SortedMap<Integer, LunConfig> luns(Section target) {
    SortedMap<Integer, LunConfig> result = new TreeMap<>();
    if (!target.has("luns")) {
      target.warn(NO_LUNS, SOME_LUNS);
      return result;
    }
    Section luns = target.section("luns", Section.empty());
    for (String key : luns.names()) {
      Integer number =
          key.matches("0|[1-9][0-9]{0,4}") && Integer.parseInt(key) <= LunConfig.MAX_NUMBER
              ? Integer.valueOf(key)
              : null;
      ConfigValue value = luns.given(key);
      if (number == null) {
        luns.problem(key, "not a LUN", "a number from 0 to " + LunConfig.MAX_NUMBER);
      } else if (value instanceof ConfigObject) {
        Section section = luns.section(key, Section.empty());
        String device = section.required("device", reference());
        boolean readOnly =
            ConfigurationReader.isTrue(section.optional("read-only", ValueFormat.BOOLEAN));
        List<InitiatorPattern> initiators = initiators(section);
        section.end();
        if (device != null) {
          checkExists(section, "device", device);
          result.put(number, new LunConfig(number, device, readOnly, initiators));
        }
      } else if (value != null) {
        String device = luns.required(key, reference());
        if (device != null) {
          checkExists(luns, key, device);
          result.put(number, new LunConfig(number, device, false, List.of()));
        }
      }
    }
    if (luns.names().isEmpty()) {
      target.warn("luns", NO_LUNS, SOME_LUNS);
    } else if (!result.isEmpty() && !result.containsKey(0)) {
      luns.warn("no LUN 0: some initiators find no LUN of such a target", "LUNs from 0 on");
    }
    return result;
  }

  private static ValueFormat<String> reference() {
    return ValueFormat.of(
        LUN_FORMAT,
        text -> {
          String[] parts = text.split("@", -1);
          boolean good = parts.length <= 2;
          for (String part : parts) {
            good &= ValueFormat.isName(part);
          }
          return good ? text : null;
        });
  }

  private void checkExists(Section section, String key, String device) {
    int at = device.indexOf('@');
    String name = at < 0 ? device : device.substring(0, at);
    if (!devices.contains(name)) {
      section.problem(
          key,
          "found \""
              + device
              + "\", but there is no volume or device "
              + name
              + Suggestion.didYouMean(name, devices),
          devices.isEmpty()
              ? "none is configured"
              : Problems.printable(String.join(", ", devices.stream().sorted().toList())));
    }
  }
}
