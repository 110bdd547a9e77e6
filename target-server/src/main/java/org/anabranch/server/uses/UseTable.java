// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.uses;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.anabranch.iscsi.session.SessionEvents.End;
import org.anabranch.iscsi.session.SessionEvents.Login;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.uses.RecordedUses.Recorded;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The table behind {@link Uses}, which says what the rules are and calls this with its lock held.
 * Each change has a version; a version is durable when it, or a later one, has been written.
 */
final class UseTable {
  private static final Logger LOG = LoggerFactory.getLogger(UseTable.class);

  /** Stands for every device, where it is not known which ones somebody may use. */
  static final String EVERYTHING = "*";

  /** The use of one nexus. */
  private static final class Use {
    Set<String> devices = Set.of();

    /** The session that the nexus has; null while it is cut off. */
    @Nullable Login session;

    /** Since when it is cut off; while it is connected, the value from before that login. */
    @Nullable Instant cutOff;

    /** The version in which it was last connected or cut off; orders these events. */
    long changed;

    /** The version that has its devices. */
    long recorded;

    boolean isConnected() {
      return session != null;
    }
  }

  private final Supplier<Instant> clock;
  private final Instant started;
  private final int maxSize;
  private final SortedMap<ItNexus, Use> uses = new TreeMap<>();
  private final Set<String> unknown;
  private final Set<String> onNextLogin;

  /** What sessions reach that are not recorded because there are too many. */
  private final IdentityHashMap<Login, Set<String>> unrecorded = new IdentityHashMap<>();

  private long version = 1;

  /** Nexuses and the devices of each. */
  private int size;

  private @Nullable Duration grace;

  /**
   * @param maxSize how many nexuses and devices of nexuses are recorded
   */
  UseTable(RecordedUses found, Supplier<Instant> clock, int maxSize) {
    this.clock = clock;
    this.started = clock.get();
    this.maxSize = maxSize;
    this.unknown = new TreeSet<>(found.unknown());
    this.onNextLogin = new TreeSet<>(found.onNextLogin());
    found
        .uses()
        .forEach((nexus, recorded) -> {
          Use use = new Use();
          use.devices = recorded.devices();
          use.cutOff = Objects.requireNonNullElse(recorded.cutOff(), started);
          uses.put(nexus, use);
          size += 1 + use.devices.size();
        });
  }

  long version() {
    return version;
  }

  UseRecorder.Moment moment() {
    TreeMap<ItNexus, Recorded> recorded = new TreeMap<>();
    uses.forEach((nexus, use) -> {
      if (!use.devices.isEmpty()) {
        recorded.put(nexus, new Recorded(use.devices, use.isConnected() ? null : use.cutOff));
      }
    });
    return new UseRecorder.Moment(version, new RecordedUses(recorded, unknown, onNextLogin));
  }

  void grace(@Nullable Duration time) {
    grace = time;
  }

  // --- sessions -----------------------------------------------------------------------------

  private static ItNexus nexus(Login login) {
    return new ItNexus(login.initiator(), login.isid(), login.target());
  }

  /**
   * What becomes of a login.
   *
   * @param version the login may be answered when this one is durable
   * @param isBack whether the nexus was cut off before
   */
  record Connected(long version, boolean isBack) {}

  /** A session begins. */
  Connected connect(Login login, Set<String> devices) {
    Use use = uses.get(nexus(login));
    if (use == null) {
      if (size + 1 + devices.size() > maxSize) {
        unrecorded.put(login, devices);
        return new Connected(markUnknown(devices), false);
      }
      use = new Use();
      uses.put(nexus(login), use);
      size++;
    }
    boolean isBack = use.cutOff != null;
    use.session = login;
    use.changed = ++version;
    grow(use, devices);
    return new Connected(use.recorded, isBack);
  }

  private void grow(Use use, Set<String> devices) {
    if (!use.devices.containsAll(devices)) {
      Set<String> all = new TreeSet<>(use.devices);
      all.addAll(devices);
      reaches(use, all);
    }
  }

  private void reaches(Use use, Set<String> devices) {
    size += devices.size() - use.devices.size();
    use.devices = devices;
    use.recorded = ++version;
  }

  /** Somebody may use these devices of whom nothing is known. */
  void unknown(Set<String> devices) {
    if (unknown.addAll(devices)) {
      version++;
    }
  }

  /** The version that has it. */
  private long markUnknown(Set<String> devices) {
    if (unknown.addAll(devices)) {
      version++;
      LOG.warn(
          "too many initiators are recorded: from now on, a rollback of {} begins by itself only after"
              + " snapshot merge --assume-gone {}",
          String.join(", ", devices),
          User.UNKNOWN);
    }
    return version;
  }

  /**
   * A session ends.
   *
   * @return what it could reach; null if it is not here
   */
  @SuppressWarnings("ReferenceEquality") // another login of the same nexus is equal, and another
  @Nullable Set<String> disconnect(Login login, End end) {
    Set<String> devices = unrecorded.remove(login);
    Use use = uses.get(nexus(login));
    if (use == null || use.session != login) {
      return devices;
    }
    use.session = null;
    long connected = use.changed;
    use.changed = ++version;
    switch (end) {
      case LOGGED_OUT -> {
        forget(nexus(login));
        forgetPredecessors(nexus(login), connected);
      }
      case NOT_LOGGED_IN -> {
        if (use.cutOff == null) {
          forget(nexus(login)); // a new one, which never got an answer
        }
      }
      case LOST_UNUSED -> {
        if (use.cutOff == null) {
          forget(nexus(login));
        } else {
          use.cutOff = clock.get(); // what a session before it holds is still held
        }
      }
      case CONNECTION_LOST, DROPPED -> {
        use.cutOff = clock.get();
        if (use.devices.isEmpty()) {
          forget(nexus(login));
        }
      }
    }
    return use.devices;
  }

  private void forget(ItNexus nexus) {
    Use use = uses.remove(nexus);
    if (use != null) {
      size -= 1 + use.devices.size();
      version++;
    }
  }

  /**
   * A process with a Random ISID has logged out: those before it, which were cut off before it
   * logged in, are gone.
   */
  private void forgetPredecessors(ItNexus nexus, long connected) {
    if (!nexus.hasRandomIsid() || isConnected(nexus.initiator())) {
      return;
    }
    List<ItNexus> gone = new ArrayList<>();
    uses.forEach((other, use) -> {
      if (other.initiator().equals(nexus.initiator())
          && other.hasRandomIsid()
          && use.changed < connected) {
        gone.add(other);
      }
    });
    gone.forEach(this::forget);
  }

  private boolean isConnected(String initiator) {
    return uses.entrySet().stream()
            .anyMatch(each ->
                each.getKey().initiator().equals(initiator) && each.getValue().isConnected())
        || unrecorded.keySet().stream().anyMatch(each -> each.initiator().equals(initiator));
  }

  // --- what can be seen ---------------------------------------------------------------------

  /** Sessions reach exactly this. */
  void seeing(SeenDevices seen) {
    uses.forEach((nexus, use) -> {
      if (use.isConnected()) {
        Set<String> devices = new TreeSet<>(seen.by(nexus.initiator(), nexus.target()));
        if (!devices.equals(use.devices)) {
          reaches(use, devices);
        }
      }
    });
    unrecorded.replaceAll((login, devices) -> seen.by(login.initiator(), login.target()));
  }

  /** Sessions reach this, too. */
  void grow(SeenDevices next) {
    uses.forEach((nexus, use) -> {
      if (use.isConnected()) {
        grow(use, next.by(nexus.initiator(), nexus.target()));
      }
    });
    unrecorded.forEach((login, devices) -> markUnknown(next.by(login.initiator(), login.target())));
  }

  /** Devices have other names as well. */
  void alsoCalled(Map<String, String> names) {
    uses.values().forEach(use -> grow(use, renamed(use.devices, names)));
    unrecorded.replaceAll((login, devices) -> {
      Set<String> all = new TreeSet<>(devices);
      all.addAll(renamed(devices, names));
      return all;
    });
    if (unknown.addAll(renamed(unknown, names))) {
      version++;
    }
  }

  private static Set<String> renamed(Set<String> devices, Map<String, String> names) {
    Set<String> renamed = new TreeSet<>();
    for (String device : devices) {
      String newName = names.get(device);
      if (newName != null) {
        renamed.add(newName);
      }
    }
    return renamed;
  }

  /** There are no devices of these names any more. */
  void forgetDevices(Set<String> names) {
    uses.values()
        .forEach(use -> {
          if (!Collections.disjoint(use.devices, names)) {
            Set<String> left = new TreeSet<>(use.devices);
            left.removeAll(names);
            reaches(use, left);
          }
        });
    if (unknown.removeAll(names)) {
      version++;
    }
  }

  // --- users --------------------------------------------------------------------------------

  List<User> of(Set<String> devices) {
    Map<String, User> users = new TreeMap<>();
    uses.forEach((nexus, use) -> {
      if (!Collections.disjoint(use.devices, devices) && counts(use)) {
        Instant cutOff = use.isConnected() ? null : use.cutOff;
        users.merge(
            nexus.initiator() + " " + nexus.target(),
            new User(nexus.initiator(), nexus.target(), cutOff),
            UseTable::nearest);
      }
    });
    unrecorded.forEach((login, reached) -> {
      if (!Collections.disjoint(reached, devices)) {
        users.put(
            login.initiator() + " " + login.target(),
            new User(login.initiator(), login.target(), null));
      }
    });
    List<User> all = new ArrayList<>(users.values());
    if (unknown.contains(EVERYTHING) || !Collections.disjoint(unknown, devices)) {
      all.add(new User(User.UNKNOWN, "", null));
    }
    return all;
  }

  /** Of two uses of one initiator, the one that was connected last. */
  private static User nearest(User one, User other) {
    if (one.cutOff() == null || other.cutOff() == null) {
      return one.cutOff() == null ? one : other;
    }
    return one.cutOff().isAfter(other.cutOff()) ? one : other;
  }

  private boolean counts(Use use) {
    return use.isConnected() || grace == null || clock.get().isBefore(graceEnd(use, grace));
  }

  /** For a use that is cut off. */
  private Instant graceEnd(Use use, Duration time) {
    Instant cutOff = Objects.requireNonNull(use.cutOff);
    return (cutOff.isBefore(started) ? started : cutOff).plus(time);
  }

  @Nullable Instant nextGraceEnd() {
    Duration time = grace;
    if (time == null) {
      return null;
    }
    Instant now = clock.get();
    return uses.values().stream()
        .filter(use -> !use.isConnected())
        .map(use -> graceEnd(use, time))
        .filter(now::isBefore)
        .min(Instant::compareTo)
        .orElse(null);
  }

  void assumeGone(String initiator, Set<String> devices) throws RefusedException {
    if (initiator.equals(User.UNKNOWN)) {
      assumeUnknownGone(devices);
      return;
    }
    if (isConnected(initiator)) {
      throw new RefusedException(
          "initiator "
              + initiator
              + " is logged in, so it is not gone: log it out there, or use snapshot merge --now");
    }
    List<ItNexus> gone = new ArrayList<>();
    uses.forEach((nexus, use) -> {
      if (nexus.initiator().equals(initiator) && !Collections.disjoint(use.devices, devices)) {
        gone.add(nexus);
      }
    });
    if (gone.isEmpty()) {
      Set<String> known = new TreeSet<>(of(devices).stream().map(User::initiator).toList());
      throw new RefusedException(
          "initiator "
              + initiator
              + " does not use "
              + String.join(" or ", devices)
              + (known.isEmpty() ? "; nobody does" : "; used by " + String.join(", ", known)));
    }
    gone.forEach(this::forget);
  }

  private void assumeUnknownGone(Set<String> devices) throws RefusedException {
    Set<String> here = new TreeSet<>();
    unrecorded.forEach((login, reached) -> {
      if (!Collections.disjoint(reached, devices)) {
        here.add(login.initiator());
      }
    });
    if (!here.isEmpty()) {
      throw new RefusedException(
          "these initiators are not recorded, and are logged in: "
              + String.join(", ", here)
              + "; log them out there, or use snapshot merge --now");
    }
    if (unknown.remove(EVERYTHING)) {
      LOG.warn("initiators that are not recorded are assumed gone from all volumes");
    }
    unknown.removeAll(devices);
    version++;
  }

  // --- merges at the next login -------------------------------------------------------------

  void onNextLogin(String snapshot, boolean begins) {
    if (begins ? onNextLogin.add(snapshot) : onNextLogin.remove(snapshot)) {
      version++;
    }
  }

  Set<String> onNextLogin() {
    return Set.copyOf(onNextLogin);
  }
}
