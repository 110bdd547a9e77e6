// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.anabranch.iscsi.session.SessionEvents.Login;
import org.jspecify.annotations.Nullable;

/**
 * Who uses the volume, as the words of the specification have it: an initiator uses it from its
 * first login until it logs out of its own accord. Knows nothing of the product's classes for that.
 */
final class UseModel {
  /** A nexus that has not logged out. */
  private static final class Use {
    final String initiator;
    @Nullable Login session;
    long at; // when it was connected or cut off
    boolean isOlder; // than its session: an earlier one was cut off
    boolean reaches;

    Use(String initiator) {
      this.initiator = initiator;
    }
  }

  private final Map<String, Use> uses = new HashMap<>();
  private long time;

  private static String key(Login login) {
    return login.initiator() + " " + login.isid();
  }

  /** An initiator has logged in; whether it sees the volume. */
  void loggedIn(Login login, boolean sees) {
    boolean isOlder = uses.containsKey(key(login));
    Use use = uses.computeIfAbsent(key(login), key -> new Use(login.initiator()));
    use.isOlder = isOlder;
    use.session = login;
    use.at = ++time;
    use.reaches |= sees;
  }

  void loggedOut(Login login) {
    Use gone = uses.remove(key(login));
    if (gone == null || login.isid() >>> 46 != 2 || !sessions(login.initiator()).isEmpty()) {
      return;
    }
    // A process of libiscsi or QEMU: those before it with its name will not come back.
    uses.entrySet()
        .removeIf(each ->
            each.getKey().startsWith(login.initiator() + " ")
                && Long.parseLong(each.getKey().split(" ", -1)[1]) >>> 46 == 2
                && each.getValue().at < gone.at);
  }

  void cutOff(Login login) {
    Use use = uses.get(key(login));
    if (use != null) {
      use.session = null;
      use.at = ++time;
    }
  }

  /** Cut off before it read or wrote anything: it leaves no use, nor ends one that was before. */
  void cutOffUnused(Login login) {
    Use use = uses.get(key(login));
    if (use != null && !use.isOlder) {
      uses.remove(key(login));
    } else {
      cutOff(login);
    }
  }

  /** A stop or a crash. */
  void allCutOff() {
    uses.values()
        .forEach(use -> {
          use.session = null;
          use.at = ++time;
        });
  }

  void assumedGone(String initiator) {
    uses.values().removeIf(use -> use.initiator.equals(initiator) && use.reaches);
  }

  /** A reload. */
  void sees(String initiator, boolean sees) {
    uses.values()
        .forEach(use -> {
          if (use.initiator.equals(initiator) && use.session != null) {
            use.reaches = sees;
          }
        });
  }

  /** The names of those who use the volume. */
  Set<String> users() {
    return uses.values().stream()
        .filter(use -> use.reaches)
        .map(use -> use.initiator)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** The sessions of an initiator. */
  Set<Login> sessions(String initiator) {
    return uses.values().stream()
        .filter(use -> use.initiator.equals(initiator) && use.session != null)
        .map(use -> use.session)
        .collect(Collectors.toSet());
  }

  /** All sessions, in an order that is the same each time. */
  java.util.List<Login> sessions() {
    return uses.entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .map(each -> each.getValue().session)
        .filter(java.util.Objects::nonNull)
        .toList();
  }
}
