// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.imports;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.anabranch.config.ChapConfig;
import org.anabranch.config.LunConfig;
import org.anabranch.config.TargetConfig;
import org.anabranch.naming.AccessList;
import org.anabranch.naming.InitiatorPattern;
import org.anabranch.naming.IscsiName;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Json;
import org.anabranch.server.imports.Users.Account;
import org.anabranch.server.state.StateDirectory;
import org.jspecify.annotations.Nullable;

/** Reads saveconfig.json, which targetcli and targetctl write for LIO, the target of Linux. */
public final class LioImport {
  private static final int MAX_BYTES = 64 << 20;

  private final Losses losses = new Losses();
  private final Users users = new Users(losses);
  private final LioVolumes volumes = new LioVolumes(losses);
  private final LioPortals portals = new LioPortals(losses);

  private LioImport() {}

  /**
   * Reads a file.
   *
   * @throws RefusedException when it cannot be read, or is no such file
   */
  public static ImportedConfiguration read(Path file) throws RefusedException {
    Map<String, Object> json;
    try {
      if (Files.isRegularFile(file) && Files.size(file) > MAX_BYTES) {
        throw new RefusedException(file + " has more than " + MAX_BYTES + " bytes");
      }
      json = Json.parse(Files.readString(file));
    } catch (IOException e) {
      throw new RefusedException(file + " cannot be read: " + StateDirectory.reason(e), e);
    } catch (IllegalArgumentException e) {
      throw new RefusedException(file + " is no saveconfig.json: " + e.getMessage(), e);
    }
    if (!json.containsKey("storage_objects") || !json.containsKey("targets")) {
      throw new RefusedException(
          file + " is no saveconfig.json: it has no storage_objects, or no targets");
    }
    return new LioImport().run(new LioObject(file.toString(), json));
  }

  private ImportedConfiguration run(LioObject root) {
    volumes.read(root.objects("storage_objects"));
    Map<String, List<LioObject>> groups = new LinkedHashMap<>();
    for (LioObject target : root.objects("targets")) {
      String name = target.text("wwn", "");
      String where = root.where() + ": target " + name;
      String flaw = TargetNames.flaw(name);
      if (!target.text("fabric", "iscsi").equals("iscsi") || flaw != null) {
        losses.add(
            where,
            "it is left out: " + (flaw == null ? "fabric " + target.text("fabric", "") : flaw));
        continue;
      }
      for (LioObject group : target.objects("tpgs")) {
        if (group.isTrue("enable", true)) {
          portals.read(group.at(where), name);
          groups.computeIfAbsent(name, each -> new ArrayList<>()).add(group.at(where));
        } else {
          losses.add(
              where, "portal group " + group.text("tag", "1") + " is left out: it is disabled");
        }
      }
    }
    List<TargetConfig> targets = new ArrayList<>();
    groups.forEach((name, of) -> {
      TargetConfig target = target(name, of);
      if (target != null) {
        targets.add(target);
      }
    });
    return new ImportedConfiguration(
        "LIO",
        root.where(),
        portals.portals(),
        List.copyOf(volumes.volumes()),
        targets,
        discovery(root),
        losses.all());
  }

  private @Nullable TargetConfig target(String name, List<LioObject> groups) {
    LioLuns luns = new LioLuns(losses, volumes);
    List<String> initiators = new ArrayList<>();
    List<ChapConfig> chap = new ArrayList<>();
    boolean everybody = false;
    String where = groups.getFirst().where();
    for (LioObject group : groups) {
      boolean generates = group.object("attributes").isTrue("generate_node_acls", false);
      everybody |= generates;
      luns.read(group, generates);
      for (LioObject acl : group.objects("node_acls")) {
        initiator(acl, initiators);
        List<InitiatorPattern> who = patterns(List.of(acl.text("node_wwn", "")));
        if (!who.isEmpty()) {
          chap.addAll(users(group, acl, who));
        }
      }
      if (generates) {
        chap.addAll(users(group, group, List.of()));
      }
      reportGroup(group);
    }
    SortedMap<Integer, LunConfig> numbers = luns.luns(where, everybody ? List.of() : initiators);
    if (numbers.isEmpty() || (initiators.isEmpty() && !everybody)) {
      losses.add(
          where,
          "it is left out: "
              + (numbers.isEmpty() ? "nobody sees a LUN of it" : "no initiator has an ACL"));
      return null;
    }
    AccessList access = new AccessList(everybody ? List.of() : patterns(initiators), List.of());
    boolean open = chap.isEmpty() && everybody;
    if (open) {
      losses.add(where, "it is open to everybody, as it was (generate_node_acls)");
    }
    return new TargetConfig(
        new IscsiName(name).text(),
        null,
        numbers,
        access,
        distinct(chap),
        portals.groupsOf(name),
        open);
  }

  private static void initiator(LioObject acl, List<String> initiators) {
    String name = acl.text("node_wwn", "");
    if (!initiators.contains(name) && InitiatorPattern.flaw(name) == null) {
      initiators.add(name);
    }
  }

  private static List<InitiatorPattern> patterns(List<String> names) {
    return names.stream()
        .filter(name -> InitiatorPattern.flaw(name) == null)
        .map(InitiatorPattern::new)
        .toList();
  }

  /** The users of an initiator, or of a group for initiators without an ACL. */
  private List<ChapConfig> users(
      LioObject group, LioObject holder, List<InitiatorPattern> initiators) {
    Account account = account(holder, "chap_userid", "chap_password");
    if (account == null) {
      return List.of();
    }
    String who = initiators.isEmpty() ? "" : ", initiator " + initiators.getFirst();
    String where = group.where() + who;
    long own = holder.object("attributes").number("authentication", -1);
    long required = own >= 0 ? own : group.object("attributes").number("authentication", 0);
    if (required == 0) {
      losses.add(
          where,
          "authentication is 0, so that LIO lets in who proves nothing; here CHAP user "
              + account.user()
              + " must be proven: take chap away if the initiator does not do CHAP");
    }
    Account mutual = account(holder, "chap_mutual_userid", "chap_mutual_password");
    return users.of(where, List.of(account), mutual, initiators);
  }

  private static @Nullable Account account(LioObject holder, String user, String password) {
    String name = holder.text(user);
    return name == null ? null : new Account(name, holder.text(password, ""));
  }

  /** Several portal groups of a target may have the same users. */
  private static List<ChapConfig> distinct(List<ChapConfig> users) {
    Map<List<Object>, ChapConfig> distinct = new LinkedHashMap<>();
    users.forEach(user -> distinct.putIfAbsent(List.of(user.user(), user.initiators()), user));
    return List.copyOf(distinct.values());
  }

  private void reportGroup(LioObject group) {
    LioObject attributes = group.object("attributes");
    if (attributes.number("t10_pi", 0) != 0 || attributes.number("fabric_prot_type", 0) != 0) {
      losses.add(group.where(), "protection information (t10_pi) has no counterpart");
    }
    if (group.object("parameters").text("AuthMethod", "").equals("None")) {
      losses.add(group.where(), "AuthMethod None: CHAP users of the file are kept all the same");
    }
    for (LioObject lun : group.objects("luns")) {
      String alua = lun.text("alua_tg_pt_gp_name", "default_tg_pt_gp");
      if (!alua.equals("default_tg_pt_gp")) {
        losses.add(
            group.where(),
            "LUN " + lun.text("index", "") + ": ALUA group " + alua + " has no counterpart");
      }
    }
  }

  private List<ChapConfig> discovery(LioObject root) {
    for (LioObject fabric : root.objects("fabric_modules")) {
      if (fabric.text("name", "").equals("iscsi")) {
        String prefix = fabric.text("discovery_userid") == null ? "" : "discovery_";
        Account account = account(fabric, prefix + "userid", prefix + "password");
        Account mutual = account(fabric, prefix + "mutual_userid", prefix + "mutual_password");
        if (account != null && fabric.isTrue("discovery_enable_auth", true)) {
          return users.of(root.where() + ": discovery", List.of(account), mutual, List.of());
        }
      }
    }
    return List.of();
  }
}
