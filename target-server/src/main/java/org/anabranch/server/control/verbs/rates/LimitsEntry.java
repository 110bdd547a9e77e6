// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.rates;

import org.anabranch.config.VolumeLimits;
import org.anabranch.server.control.Doc;
import org.anabranch.server.rate.VolumeRates;

/** The rate limits of a volume. */
public record LimitsEntry(
    @Doc("commands a second that read or write; 0, as below: no limit") long iops,
    @Doc("of these, commands that read") long readIops,
    @Doc("commands that write") long writeIops,
    @Doc("read and written a second") long bytesPerSecond,
    @Doc("read") long readBytesPerSecond,
    @Doc("written") long writeBytesPerSecond,
    @Doc("what was not used during so much time may be used at once") long burstMillis,
    @Doc("whether they are those of the configuration, and not of volume limit")
        boolean configured) {
  /** What is in force, as the control socket says it. */
  public static LimitsEntry of(VolumeRates.InForce inForce) {
    VolumeLimits limits = inForce.limits();
    return new LimitsEntry(
        limits.iops(),
        limits.readIops(),
        limits.writeIops(),
        limits.bytes(),
        limits.readBytes(),
        limits.writeBytes(),
        limits.burst().toMillis(),
        inForce.configured());
  }
}
