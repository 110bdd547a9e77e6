// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.BlockDevice;
import org.jspecify.annotations.Nullable;

/**
 * The devices that tables can refer to, with their open counts.
 *
 * <p>A {@link DeviceRef} is the name of a mapped device or volume, or a path. The storage at a path
 * is opened once, even if several paths, volumes or tables name it, and closed when it has no
 * holder left and is not a volume.
 *
 * <p>Lock order: {@link #opening}, then this. Neither is held while requests are submitted or
 * waited for. {@code opening} is held while a file is opened, which only other openings wait for.
 */
final class Devices {
  /** The most mapped devices, volumes and open files together. */
  static final int MAX = 65_536;

  /** A device and its holders; guarded by the {@link Devices}. */
  private static final class Entry {
    final BlockDevice device;
    final @Nullable Object identity;
    final List<Entry> below = new ArrayList<>();
    int minor = -1; // of a mapped device
    @Nullable String name; // of a mapped device or volume
    boolean leaving;
    int holders;

    Entry(BlockDevice device, @Nullable Object identity, @Nullable String name) {
      this.device = device;
      this.identity = identity;
      this.name = name;
    }
  }

  private final PathOpener opener;
  private final Object opening = new Object();

  @GuardedBy("this")
  private final Map<String, Entry> names = new TreeMap<>();

  @GuardedBy("this")
  private final Map<Object, Entry> identities = new HashMap<>();

  @GuardedBy("this")
  private final IdentityHashMap<BlockDevice, Entry> entries = new IdentityHashMap<>();

  /** In use. */
  @GuardedBy("this")
  private final BitSet minors = new BitSet();

  Devices(PathOpener opener) {
    this.opener = opener;
  }

  /** Registers a mapped device or a volume under its name. */
  synchronized void add(String name, BlockDevice device) throws TableException {
    checkName(name);
    if (names.containsKey(name)) {
      throw new TableException("Device or resource busy: " + name + " exists");
    }
    Object identity = device instanceof BackingDevice backing ? backing.identity() : null;
    if (entries.containsKey(device) || (identity != null && identities.containsKey(identity))) {
      throw new TableException("Device or resource busy: " + device.name() + " is open already");
    }
    checkRoom();
    Entry entry = new Entry(device, identity, name);
    if (device instanceof MappedDevice) {
      entry.minor = minors.nextClearBit(0);
      minors.set(entry.minor);
    }
    names.put(name, entry);
    entries.put(device, entry);
    if (identity != null) {
      identities.put(identity, entry);
    }
  }

  @GuardedBy("this")
  private void checkRoom() throws TableException {
    if (entries.size() >= MAX) {
      throw new TableException("Cannot allocate memory: " + MAX + " devices are open");
    }
  }

  private static void checkName(String name) throws TableException {
    if (name.isEmpty() || name.length() > DeviceMapper.MAX_NAME) {
      throw new TableException(
          "Invalid argument: a name has 1 to " + DeviceMapper.MAX_NAME + " characters: " + name);
    }
    if (name.equals(".") || name.equals("..") || name.contains("/")) {
      throw new TableException("Invalid argument: a name cannot be ., .. or hold a /: " + name);
    }
    if (name.chars().anyMatch(c -> Character.isWhitespace(c) || Character.isISOControl(c))) {
      throw new TableException("Invalid argument: a name cannot hold blanks: " + name);
    }
  }

  /** The mapped device with that name. */
  synchronized MappedDevice mapped(String name) throws TableException {
    Entry entry = names.get(name);
    if (entry == null || !(entry.device instanceof MappedDevice device)) {
      throw new TableException("No such device or address: " + name);
    }
    return device;
  }

  /** All mapped devices, by name. */
  synchronized List<MappedDevice> mapped() {
    List<MappedDevice> all = new ArrayList<>();
    for (Entry entry : names.values()) {
      if (entry.device instanceof MappedDevice device) {
        all.add(device);
      }
    }
    return all;
  }

  /** The volumes and files that are open. */
  synchronized List<BlockDevice> backing() {
    return entries.keySet().stream().filter(device -> !(device instanceof MappedDevice)).toList();
  }

  /** The open count of {@code device}. */
  synchronized int holders(BlockDevice device) {
    Entry entry = entries.get(device);
    return entry == null ? 0 : entry.holders;
  }

  /** The mapped devices above {@code device}, directly or through others; by name. */
  synchronized List<MappedDevice> above(MappedDevice device) {
    Entry below = entry(device);
    List<MappedDevice> above = new ArrayList<>();
    for (MappedDevice each : mapped()) {
      if (!each.equals(device) && leadsTo(entry(each), below)) {
        above.add(each);
      }
    }
    return above;
  }

  /** The minor number of {@code device}, from 0. */
  synchronized int minor(MappedDevice device) throws TableException {
    Entry entry = entries.get(device);
    if (entry == null) {
      throw new TableException("No such device or address: " + device.name());
    }
    return entry.minor;
  }

  synchronized void rename(MappedDevice device, String newName) throws TableException {
    checkName(newName);
    Entry entry = entry(device);
    if (names.containsKey(newName)) {
      throw new TableException("Device or resource busy: " + newName + " exists");
    }
    names.remove(device.name());
    names.put(newName, entry);
    entry.name = newName;
    device.rename(newName);
  }

  /** The names available to tables. */
  synchronized Set<String> names() {
    return Set.copyOf(names.keySet());
  }

  /** The current name of a mapped device or volume; null for another device. */
  synchronized @Nullable String name(BlockDevice device) {
    Entry entry = entries.get(device);
    return entry == null ? null : entry.name;
  }

  /**
   * Opens the device that {@code reference} names.
   *
   * @param above the mapped device whose table opens it; null for another user
   */
  BlockDevice open(DeviceRef reference, @Nullable MappedDevice above) throws TableException {
    return switch (reference) {
      case DeviceRef.Named named -> openNamed(named.name(), above);
      case DeviceRef.AtPath file -> {
        synchronized (opening) {
          yield openPath(file.path(), above);
        }
      }
    };
  }

  private synchronized BlockDevice openNamed(String name, @Nullable MappedDevice above)
      throws TableException {
    Entry entry = names.get(name);
    if (entry == null) {
      throw new TableException("No such device or address: " + name);
    }
    return hold(entry, above);
  }

  private BlockDevice openPath(String path, @Nullable MappedDevice above) throws TableException {
    try {
      Object identity = opener.identity(path);
      synchronized (this) {
        Entry entry = identities.get(identity);
        if (entry != null) {
          return hold(entry, above);
        }
        checkRoom();
      }
      BackingDevice device = opener.open(path);
      synchronized (this) {
        Entry entry = new Entry(device, device.identity(), null);
        identities.put(device.identity(), entry);
        entries.put(device, entry);
        return hold(entry, above);
      }
    } catch (IOException e) {
      throw new TableException(String.valueOf(e.getMessage()), e);
    }
  }

  private synchronized BlockDevice hold(Entry entry, @Nullable MappedDevice above)
      throws TableException {
    if (entry.leaving) {
      throw new TableException(
          "Device or resource busy: " + entry.device.name() + " is being removed");
    }
    if (above != null) {
      Entry user = entry(above);
      if (leadsTo(entry, user)) {
        throw new TableException(
            "Too many levels: " + entry.device.name() + " is made of " + above.name());
      }
      user.below.add(entry);
    }
    entry.holders++;
    return entry.device;
  }

  /** Whether {@code to} is {@code from} or lies below it. */
  private boolean leadsTo(Entry from, Entry to) {
    Set<Entry> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    ArrayDeque<Entry> next = new ArrayDeque<>(List.of(from));
    while (!next.isEmpty()) {
      Entry entry = next.remove();
      if (entry == to) {
        return true;
      }
      if (seen.add(entry)) {
        next.addAll(entry.below);
      }
    }
    return false;
  }

  /**
   * Closes a device that {@link #open} opened for {@code above}; completes when a file that nobody
   * else holds open is closed.
   */
  CompletionStage<@Nullable Void> release(BlockDevice device, @Nullable MappedDevice above) {
    Entry entry;
    synchronized (this) {
      entry = entry(device);
      if (above != null) {
        entry(above).below.remove(entry);
      }
      entry.holders--;
      if (entry.holders > 0 || entry.name != null) {
        return CompletableFuture.completedFuture(null);
      }
      entry.leaving = true;
    }
    return close(entry);
  }

  private CompletionStage<@Nullable Void> close(Entry entry) {
    CompletionStage<@Nullable Void> closed =
        entry.device instanceof BackingDevice backing
            ? backing.close()
            : CompletableFuture.completedFuture(null);
    return closed.whenComplete((done, failure) -> forget(entry));
  }

  private synchronized void forget(Entry entry) {
    entries.remove(entry.device);
    if (entry.identity != null) {
      identities.remove(entry.identity, entry);
    }
    names.values().remove(entry);
    if (entry.minor >= 0) {
      minors.clear(entry.minor);
    }
  }

  /** Starts a removal. Refused while {@code device} is open; it cannot be opened afterwards. */
  synchronized void leave(BlockDevice device) throws TableException {
    Entry entry = entry(device);
    if (entry.holders > 0 || entry.leaving) {
      throw new TableException("Device or resource busy: " + device.name() + " is in use");
    }
    entry.leaving = true;
  }

  /** Ends a removal that {@link #leave} started. */
  void left(MappedDevice device) {
    forget(entry(device));
  }

  /** Removes a volume and closes it; refused while it is open. */
  CompletionStage<@Nullable Void> removeVolume(String name) throws TableException {
    Entry entry;
    synchronized (this) {
      entry = names.get(name);
      if (entry == null || entry.device instanceof MappedDevice) {
        throw new TableException("No such device or address: " + name);
      }
      leave(entry.device);
    }
    return close(entry);
  }

  private synchronized Entry entry(BlockDevice device) {
    Entry entry = entries.get(device);
    if (entry == null) {
      throw new IllegalStateException(device.name() + " is not open here");
    }
    return entry;
  }
}
