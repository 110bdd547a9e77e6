// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.uses;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;

/**
 * Somebody who uses a volume.
 *
 * @param initiator the initiator's name; {@link #UNKNOWN} for one that is not recorded
 * @param target where it logged in; empty for one that is not recorded
 * @param cutOff since when it is not connected; null while it is
 */
public record User(String initiator, String target, @Nullable Instant cutOff) {
  /**
   * Stands for initiators that may use a volume and are not recorded. No name of an initiator reads
   * like this: they begin with iqn., eui. or naa.
   */
  public static final String UNKNOWN = "unknown";

  public boolean isConnected() {
    return cutOff == null;
  }

  public boolean isUnknown() {
    return initiator.equals(UNKNOWN);
  }

  /** Such as {@code iqn.1993-08.org.debian:01:a, cut off since 2026-11-29T20:00:00Z}. */
  @Override
  public String toString() {
    if (isUnknown()) {
      return "initiators that are not recorded";
    }
    return initiator
        + (cutOff == null
            ? ", logged in"
            : ", cut off since " + cutOff.truncatedTo(ChronoUnit.SECONDS));
  }
}
