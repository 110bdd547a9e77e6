// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.rate;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.HashMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.anabranch.block.Scheduler;
import org.anabranch.config.VolumeConfig;
import org.anabranch.config.VolumeLimits;
import org.anabranch.scsi.rate.RateLimiter;
import org.anabranch.scsi.rate.RateLimits;
import org.anabranch.server.base.EffectiveConfiguration;
import org.jspecify.annotations.Nullable;

/**
 * The rate limits of the volumes of a server.
 *
 * <dl>
 *   <dt>How long does a limit last that was set while the server runs?
 *   <dd>For a volume of the configuration file, until the server stops, or until a reload changes
 *       the limits of that volume in the file. A reload that leaves them alone leaves it alone,
 *       too. To keep it, it must be in the file. For a volume that a command made, it is in the
 *       state ({@code VolumeState}), and for one that several servers can serve in its image
 *       ({@link SharedLimits}): it lasts until a command changes it.
 *   <dt>And when the LUNs of a volume are taken away and come back?
 *   <dd>Its limiter stays, as long as the volume is there.
 *   <dt>What about snapshots and devices?
 *   <dd>They have no limits. A LUN of a snapshot does not count for its volume's.
 * </dl>
 *
 * <p>Any thread.
 */
public final class VolumeRates {
  /**
   * The limits of a volume.
   *
   * @param configured whether they are those of the configuration
   */
  public record InForce(VolumeLimits limits, boolean configured) {}

  private static final class Entry {
    final RateLimiter limiter;
    VolumeLimits configured = VolumeLimits.NONE;
    VolumeLimits inForce = VolumeLimits.NONE;

    /** Whether what is in force is in the state or the image: no reload changes it. */
    boolean kept;

    /** What the image carries. */
    @Nullable VolumeLimits shared;

    Entry(RateLimiter limiter) {
      this.limiter = limiter;
    }

    void limit(VolumeLimits limits) {
      inForce = limits;
      limiter.limits(translated(limits));
    }
  }

  private final Scheduler scheduler;

  /** By volume, and by device that has a LUN. */
  @GuardedBy("this")
  private final Map<String, Entry> entries = new HashMap<>();

  public VolumeRates(Scheduler scheduler) {
    this.scheduler = scheduler;
  }

  /** What holds the commands of a device back: a volume, or something that has no limits. */
  public synchronized RateLimiter limiter(String device) {
    return entry(device).limiter;
  }

  @GuardedBy("this")
  private Entry entry(String device) {
    return entries.computeIfAbsent(device, _ -> new Entry(new RateLimiter(scheduler)));
  }

  /** A volume has another name, and keeps its limits. */
  public synchronized void renamed(String volume, String newName) {
    Entry entry = entries.remove(volume);
    if (entry != null) {
      entries.put(newName, entry);
    }
  }

  /** What is served now: the volumes of the file, and those that commands have made. */
  public synchronized void configured(EffectiveConfiguration effective) {
    Map<String, VolumeConfig> volumes = effective.whole().volumes();
    volumes.forEach((name, volume) -> {
      Entry entry = entry(name);
      VolumeLimits made = effective.made().limits(effective.file(), name);
      VolumeLimits kept = made == null ? entry.shared : made;
      VolumeLimits before = entry.configured;
      boolean wasKept = entry.kept;
      entry.kept = kept != null;
      entry.configured =
          made == null ? volume.limits() : effective.file().volumeDefaults().limits();
      if (kept != null) {
        entry.limit(kept);
      } else if (wasKept || !before.equals(entry.configured)) {
        entry.limit(entry.configured);
      }
    });
    entries.forEach((name, entry) -> {
      if (!volumes.containsKey(name)) {
        entry.kept = false;
        entry.shared = null;
        entry.configured = VolumeLimits.NONE;
        entry.limit(VolumeLimits.NONE);
      }
    });
  }

  /**
   * Changes the limits of a volume of the configuration file until the server stops.
   *
   * @return what is in force now
   */
  public synchronized InForce limit(String volume, UnaryOperator<VolumeLimits> change) {
    Entry entry = entry(volume);
    entry.limit(change.apply(entry.inForce));
    return inForce(volume);
  }

  /**
   * The image of a volume carries limits, which hold until it carries others; null: it carries
   * none, and those of the configuration hold.
   */
  synchronized void follow(String volume, @Nullable VolumeLimits carried) {
    Entry entry = entry(volume);
    entry.shared = carried;
    if (carried != null) {
      entry.kept = true;
      entry.limit(carried);
    } else if (entry.kept) {
      entry.kept = false;
      entry.limit(entry.configured);
    }
  }

  /** The limits of the configuration again. */
  public synchronized InForce limitAsConfigured(String volume) {
    Entry entry = entry(volume);
    entry.limit(entry.configured);
    return inForce(volume);
  }

  /** The limits of a volume now. */
  public synchronized InForce inForce(String volume) {
    Entry entry = entries.get(volume);
    return entry == null
        ? new InForce(VolumeLimits.NONE, true)
        : new InForce(entry.inForce, !entry.kept && entry.inForce.equals(entry.configured));
  }

  /** How many commands wait for the limits of a volume now. */
  public synchronized int waiting(String volume) {
    Entry entry = entries.get(volume);
    return entry == null ? 0 : entry.limiter.waiting();
  }

  /** The limits that the configuration has for a volume. */
  public synchronized VolumeLimits configured(String volume) {
    Entry entry = entries.get(volume);
    return entry == null ? VolumeLimits.NONE : entry.configured;
  }

  private static RateLimits translated(VolumeLimits limits) {
    return new RateLimits(
        new RateLimits.PerSecond(limits.iops(), limits.readIops(), limits.writeIops()),
        new RateLimits.PerSecond(limits.bytes(), limits.readBytes(), limits.writeBytes()),
        limits.burst().toNanos());
  }
}
