// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.rate;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.anabranch.config.VolumeLimits;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.anabranch.server.storage.shared.SharedImage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The limits that {@code volume limit} has set for volumes that several servers can serve. The
 * image of the volume carries them, so that they go with it; they last until a command changes
 * them. When they cannot be read, those of the configuration hold: a limit is no reason to keep
 * hosts away. Any thread; calls may wait, but for {@link #warnings}.
 */
public final class SharedLimits implements WarningSource {
  private static final Logger LOG = LoggerFactory.getLogger(SharedLimits.class);

  private final Function<String, @Nullable SharedImage> images;
  private final VolumeRates rates;

  /** Why those of a volume are not in force, and what to do, by volume. */
  private final Map<String, Warning> troubles = new ConcurrentHashMap<>();

  /**
   * @param images what the image of a volume is to several servers; null where it is none of that
   */
  public SharedLimits(Function<String, @Nullable SharedImage> images, VolumeRates rates) {
    this.images = images;
    this.rates = rates;
  }

  /** Whether several servers can serve a volume, so that its image carries its limits. */
  public boolean carries(String volume) {
    return images.apply(volume) != null;
  }

  /** This server has a volume, or gets it: what its image says is in force from now on. */
  public void arrive(String volume) {
    SharedImage image = images.apply(volume);
    if (image == null || !image.isHere()) {
      return;
    }
    VolumeLimits limits = null;
    Warning trouble = null;
    try {
      String text = image.label(SharedImage.LIMITS);
      limits = text.isEmpty() ? null : SharedLimitsText.parse(text);
    } catch (IOException | RefusedException e) {
      trouble =
          new Warning(
              "volume " + volume,
              "the limits that its image carries cannot be read, and those of the configuration"
                  + " hold: "
                  + e.getMessage(),
              "set them again (volume limit), or give them up: "
                  + image.removal(SharedImage.LIMITS));
      LOG.error("{}", trouble);
    }
    rates.follow(volume, limits);
    if (trouble == null) {
      troubles.remove(volume);
    } else {
      troubles.put(volume, trouble);
    }
  }

  /**
   * Changes the limits of a volume, durably. By its turn.
   *
   * @param fromConfigured whether the change begins with the limits of the configuration; when it
   *     then changes nothing, those hold from now on, also when they change
   * @return what is in force now
   * @throws RefusedException when another server has the volume, or they cannot be written
   */
  public VolumeRates.InForce limit(
      String volume, boolean fromConfigured, UnaryOperator<VolumeLimits> change)
      throws RefusedException {
    SharedImage image = images.apply(volume);
    if (image == null || !image.isHere()) {
      throw new RefusedException(
          "volume "
              + volume
              + ": another server has it, and its limits go with it: change them there");
    }
    arrive(volume);
    VolumeLimits configured = rates.configured(volume);
    VolumeLimits now = change.apply(fromConfigured ? configured : rates.inForce(volume).limits());
    VolumeLimits kept = fromConfigured && now.equals(configured) ? null : now;
    try {
      image.label(SharedImage.LIMITS, kept == null ? "" : SharedLimitsText.render(kept));
    } catch (IOException e) {
      throw new RefusedException("volume " + volume + ": " + e.getMessage(), e);
    }
    troubles.remove(volume);
    rates.follow(volume, kept);
    return rates.inForce(volume);
  }

  @Override
  public List<Warning> warnings() {
    List<Warning> found = new ArrayList<>();
    troubles.forEach((volume, trouble) -> {
      SharedImage image = images.apply(volume);
      if (image != null && image.isHere()) {
        found.add(trouble);
      }
    });
    return found;
  }
}
