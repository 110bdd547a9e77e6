// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.imports;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.anabranch.config.LunConfig;
import org.anabranch.naming.InitiatorPattern;

/**
 * The LUNs of one target. LIO maps a group's LUNs for each initiator under numbers of the
 * initiator's own; here a number is one volume, which may be hidden from some initiators.
 *
 * <pre>
 *   initiators that see the same volume in the same way under a number    one LUN for these
 *   others that see something else under that number                     the next free number
 *   initiators without an ACL (generate_node_acls)                        the group's own LUNs
 * </pre>
 */
final class LioLuns {
  private final Losses losses;
  private final LioVolumes volumes;
  private final Map<View, List<String>> views = new LinkedHashMap<>();

  /** What an initiator sees under a number. */
  private record View(int number, String volume, boolean readOnly) {}

  LioLuns(Losses losses, LioVolumes volumes) {
    this.losses = losses;
    this.volumes = volumes;
  }

  /**
   * Reads the LUNs of a portal group.
   *
   * @param everybody whether initiators without an ACL log in, who see all LUNs
   */
  void read(LioObject group, boolean everybody) {
    Map<Long, String> ofGroup = new HashMap<>();
    boolean protect = group.object("attributes").isTrue("demo_mode_write_protect", true);
    for (LioObject lun : group.objects("luns")) {
      String reference = lun.text("storage_object", "");
      ImportedVolume volume = volumes.find(reference);
      long index = lun.number("index", 0);
      if (volume == null) {
        losses.add(
            group.where(),
            "LUN " + index + " is left out: " + reference + ": " + volumes.obstacle(reference));
      } else {
        ofGroup.put(index, volume.name());
        if (everybody) {
          see(group, index, volume.name(), protect, "*");
        }
      }
    }
    if (everybody && !group.objects("node_acls").isEmpty()) {
      losses.add(
          group.where(),
          "initiators with an ACL see the group's LUNs, too, which LIO hides from them"
              + " (generate_node_acls)");
    }
    for (LioObject acl : group.objects("node_acls")) {
      for (LioObject mapped : acl.objects("mapped_luns")) {
        String volume = ofGroup.get(mapped.number("tpg_lun", -1));
        if (volume != null) {
          see(
              group,
              mapped.number("index", 0),
              volume,
              mapped.isTrue("write_protect", false),
              acl.text("node_wwn", ""));
        }
      }
    }
  }

  private void see(LioObject group, long number, String volume, boolean readOnly, String who) {
    if (number < 0 || number > LunConfig.MAX_NUMBER) {
      losses.add(group.where(), "LUN " + number + ": the largest is " + LunConfig.MAX_NUMBER);
      return;
    }
    String flaw = who.equals("*") ? null : InitiatorPattern.flaw(who);
    if (flaw != null) {
      losses.add(group.where(), "initiator " + who + " is left out: " + flaw);
      return;
    }
    List<String> seenBy =
        views.computeIfAbsent(new View((int) number, volume, readOnly), each -> new ArrayList<>());
    if (!seenBy.contains(who)) {
      seenBy.add(who);
    }
  }

  /** The LUNs, those of the lowest number and the first initiator first. */
  SortedMap<Integer, LunConfig> luns(String where, List<String> initiators) {
    SortedMap<Integer, LunConfig> luns = new TreeMap<>();
    List<Map.Entry<View, List<String>>> moved = new ArrayList<>();
    for (Map.Entry<View, List<String>> each : views.entrySet()) {
      LunConfig lun = lun(each.getKey().number(), each, initiators);
      if (luns.putIfAbsent(each.getKey().number(), lun) != null) {
        moved.add(each);
      }
    }
    for (Map.Entry<View, List<String>> each : moved) {
      int number = firstFree(luns);
      luns.put(number, lun(number, each, initiators));
      losses.add(
          where,
          "LUN "
              + each.getKey().number()
              + " ("
              + each.getKey().volume()
              + (each.getKey().readOnly() ? ", read-only" : "")
              + ") of "
              + each.getValue().stream()
                  .map(who -> who.equals("*") ? "initiators without an ACL" : who)
                  .collect(Collectors.joining(", "))
              + " becomes LUN "
              + number
              + ": a number is one volume here; hosts that go by serial or WWID find it");
    }
    return luns;
  }

  private static int firstFree(SortedMap<Integer, LunConfig> luns) {
    int number = 0;
    while (luns.containsKey(number)) {
      number++;
    }
    return number;
  }

  /** A LUN that all initiators of the target see needs no list of them. */
  private static LunConfig lun(
      int number, Map.Entry<View, List<String>> view, List<String> initiators) {
    List<String> seenBy = view.getValue();
    boolean all = !initiators.isEmpty() ? seenBy.containsAll(initiators) : seenBy.contains("*");
    return new LunConfig(
        number,
        view.getKey().volume(),
        view.getKey().readOnly(),
        all ? List.of() : seenBy.stream().map(InitiatorPattern::new).toList());
  }
}
