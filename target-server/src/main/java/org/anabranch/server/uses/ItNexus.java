// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.uses;

import java.util.Comparator;

/**
 * An I_T nexus by the names that outlive a session (SAM-5, RFC 7143 4.4.3): an initiator that logs
 * in again with the same ISID comes back as the same nexus.
 *
 * @param initiator the initiator's name, normalised
 * @param isid 48 bits
 * @param target the target's name
 */
public record ItNexus(String initiator, long isid, String target) implements Comparable<ItNexus> {
  private static final Comparator<ItNexus> ORDER =
      Comparator.comparing(ItNexus::initiator)
          .thenComparing(ItNexus::target)
          .thenComparingLong(ItNexus::isid);

  /**
   * Whether the ISID is of the type Random (T = 10b, RFC 7143 11.12.5). libiscsi and QEMU choose
   * such a one anew for each process, so the nexus of a process that was killed never comes back.
   */
  boolean hasRandomIsid() {
    return isid >>> 46 == 0b10;
  }

  @Override
  public int compareTo(ItNexus other) {
    return ORDER.compare(this, other);
  }
}
