// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.imports;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.anabranch.config.ChapConfig;
import org.anabranch.config.LunConfig;
import org.anabranch.config.TargetConfig;
import org.anabranch.naming.AccessList;
import org.anabranch.naming.AddressRange;
import org.anabranch.naming.InitiatorPattern;
import org.anabranch.naming.IscsiName;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.imports.TargetsConf.Entry;
import org.anabranch.server.imports.Users.Account;
import org.jspecify.annotations.Nullable;

/**
 * Reads tgt's targets.conf, also what {@code tgt-admin --dump} prints, as tgt-admin does when tgtd
 * starts. Targets get their numbers (tid), of which identities are made, by their sorted names from
 * 1 on, or what {@code controller_tid} says, and the next ones go on from there.
 */
public final class TgtImport {
  /** What tgtd does unless its command line says otherwise. */
  private static final List<ImportedConfiguration.ImportedPortal> PORTALS =
      List.of(
          new ImportedConfiguration.ImportedPortal("0.0.0.0:3260", 1),
          new ImportedConfiguration.ImportedPortal("[::]:3260", 1));

  private static final Set<String> NEGOTIATION =
      Set.of(
          "MaxRecvDataSegmentLength",
          "MaxXmitDataSegmentLength",
          "HeaderDigest",
          "DataDigest",
          "InitialR2T",
          "MaxOutstandingR2T",
          "ImmediateData",
          "FirstBurstLength",
          "MaxBurstLength",
          "DataPDUInOrder",
          "DataSequenceInOrder",
          "ErrorRecoveryLevel",
          "IFMarker",
          "OFMarker",
          "DefaultTime2Wait",
          "DefaultTime2Retain",
          "OFMarkInt",
          "IFMarkInt",
          "MaxConnections");

  private static final Set<String> OF_TARGETS =
      Set.of(
          "backing-store",
          "direct-store",
          "incominguser",
          "outgoinguser",
          "initiator-address",
          "initiator-name",
          "controller_tid",
          "driver");

  private static final Set<String> SILENT =
      Set.of("ignore-errors", "control-port", "default-driver");

  private final Losses losses = new Losses();
  private final Users users = new Users(losses);
  private final TgtStores stores = new TgtStores(losses);
  private final Map<String, String> driver = new HashMap<>();
  private final boolean dumped;

  private TgtImport(boolean dumped) {
    this.dumped = dumped;
  }

  /**
   * Reads a file.
   *
   * @throws RefusedException when it cannot be read, or is no such file
   */
  public static ImportedConfiguration read(Path file) throws RefusedException {
    return new TgtImport(Files.isRegularFile(file) && TgtDump.is(file)).run(file);
  }

  private ImportedConfiguration run(Path file) throws RefusedException {
    List<Entry> discovery = new ArrayList<>();
    SortedMap<String, Entry> found = new TreeMap<>();
    for (Entry entry : TargetsConf.read(file, losses)) {
      if (entry.isBlock() && entry.key().equals("target")) {
        found.merge(entry.value(), entry, TgtImport::merged);
      } else if (entry.key().matches("(incoming|outgoing)discoveryuser")) {
        discovery.add(entry);
      } else if (!SILENT.contains(entry.key())) {
        losses.add(entry.where(), entry.key() + " has no counterpart");
      } else if (entry.key().equals("default-driver")) {
        driver.put("default", entry.value());
      }
    }
    if (dumped) {
      TgtDump.report(file, losses);
    }
    stores.share(found.values());
    List<TargetConfig> targets = new ArrayList<>();
    int tid = 0;
    for (Entry target : found.values()) {
      tid = number(target, tid + 1);
      TargetConfig imported = target(target, tid);
      if (imported != null) {
        targets.add(imported);
      }
    }
    losses.add(
        file.toString(),
        "where tgtd listens is not in this file: on all addresses unless it was started with"
            + " --iscsi portal=...; set portals");
    return new ImportedConfiguration(
        "tgt",
        file.toString(),
        PORTALS,
        List.copyOf(stores.volumes()),
        targets,
        discovery(discovery),
        losses.all());
  }

  private static Entry merged(Entry one, Entry other) {
    List<Entry> both = new ArrayList<>(one.entries());
    both.addAll(other.entries());
    return new Entry(one.where(), one.key(), one.value(), both, true);
  }

  private static int number(Entry target, int next) {
    List<Entry> given = target.options("controller_tid");
    return !given.isEmpty() && given.getFirst().value().matches("[0-9]{1,5}")
        ? Integer.parseInt(given.getFirst().value())
        : next;
  }

  private @Nullable TargetConfig target(Entry target, int tid) {
    String where = target.where();
    String flaw = TargetNames.flaw(target.value());
    List<Entry> drivers = target.options("driver");
    String transport =
        drivers.isEmpty() ? driver.getOrDefault("default", "iscsi") : drivers.getLast().value();
    if (flaw != null || !transport.equals("iscsi")) {
      losses.add(
          where,
          "target "
              + target.value()
              + " is left out: "
              + (flaw != null ? flaw : "driver " + transport + ": only iscsi can be served here"));
      return null;
    }
    reportUnknown(target);
    SortedMap<Integer, LunConfig> luns = stores.luns(target.entries(), tid, dumped);
    if (luns.isEmpty()) {
      losses.add(where, "target " + target.value() + " is left out: it has no LUN");
      return null;
    }
    List<InitiatorPattern> initiators = initiators(target);
    AccessList access = new AccessList(initiators, addresses(target));
    List<ChapConfig> chap = users(target);
    boolean open = chap.isEmpty() && access.namesAnybody();
    if (open && access.addresses().isEmpty()) {
      losses.add(where, "target " + target.value() + " is open to everybody, as it was");
    }
    return new TargetConfig(
        new IscsiName(target.value()).text(), null, luns, access, chap, Set.of(), open);
  }

  private void reportUnknown(Entry target) {
    for (Entry entry : target.entries()) {
      if (NEGOTIATION.contains(entry.key())) {
        losses.add(
            entry.where(),
            entry.key() + " has no counterpart in a target: iscsi { } has what is for all of them");
      } else if (!OF_TARGETS.contains(entry.key()) && !TgtSettings.NAMES.contains(entry.key())) {
        losses.add(entry.where(), entry.key() + " has no counterpart");
      }
    }
  }

  private List<InitiatorPattern> initiators(Entry target) {
    List<InitiatorPattern> initiators = new ArrayList<>();
    List<Entry> names =
        target.options("initiator-name").stream().filter(name -> !isAddress(name)).toList();
    for (Entry entry : names) {
      try {
        initiators.add(new InitiatorPattern(entry.value()));
      } catch (IllegalArgumentException e) {
        losses.add(entry.where(), "initiator-name is left out: " + e.getMessage());
      }
    }
    if (initiators.isEmpty() && !names.isEmpty()) {
      initiators.add(new InitiatorPattern("iqn.2026-11.invalid:nobody"));
    }
    return initiators;
  }

  private List<AddressRange> addresses(Entry target) {
    List<AddressRange> addresses = new ArrayList<>();
    List<Entry> entries = new ArrayList<>(target.options("initiator-address"));
    target.options("initiator-name").stream().filter(this::isAddress).forEach(entries::add);
    for (Entry entry : entries) {
      if (entry.value().equals("ALL")) {
        return List.of();
      }
      AddressRange range = range(entry.value());
      if (range == null) {
        losses.add(
            entry.where(), "initiator-address " + entry.value() + " is no address: left out");
        range = AddressRange.parse("127.0.0.1"); // so that the target does not become open
      }
      if (range != null && !addresses.contains(range)) {
        addresses.add(range);
      }
    }
    return addresses;
  }

  /** A dump calls addresses names that have a prefix length or are of IPv6, and ALL. */
  private boolean isAddress(Entry name) {
    return dumped && (name.value().equals("ALL") || range(name.value()) != null);
  }

  private static @Nullable AddressRange range(String text) {
    try {
      return AddressRange.parse(text);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  private List<ChapConfig> users(Entry target) {
    List<Account> incoming = accounts(target.options("incominguser"));
    List<Account> outgoing = accounts(target.options("outgoinguser"));
    if (incoming.isEmpty() && !outgoing.isEmpty()) {
      losses.add(
          target.where(),
          "outgoinguser without incominguser: a target proves itself only to initiators that have"
              + " proven themselves");
    }
    return users.of(
        target.where(), incoming, outgoing.isEmpty() ? null : outgoing.getFirst(), List.of());
  }

  private List<ChapConfig> discovery(List<Entry> entries) {
    List<Entry> in = entries.stream().filter(e -> e.key().startsWith("incoming")).toList();
    List<Entry> out = entries.stream().filter(e -> e.key().startsWith("outgoing")).toList();
    String where = entries.isEmpty() ? "" : entries.getFirst().where();
    return users.of(
        where, accounts(in), out.isEmpty() ? null : accounts(out).getFirst(), List.of());
  }

  private static List<Account> accounts(List<Entry> entries) {
    return entries.stream()
        .map(entry -> entry.value().split("\\s+", 3))
        .map(words -> new Account(words[0], words.length > 1 ? words[1] : ""))
        .toList();
  }
}
