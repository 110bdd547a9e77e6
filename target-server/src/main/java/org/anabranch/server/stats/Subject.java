// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.stats;

import org.anabranch.block.count.Counts;

/**
 * A thing that counts.
 *
 * @param kind what it is
 * @param name its name among those of its kind; empty for the server
 * @param counts goes on counting
 */
public record Subject(Kind kind, String name, Counts counts) {
  /** What can count. */
  public enum Kind {
    /** The server: all connections and logins. */
    SERVER,
    /** A session, by its number. */
    SESSION,
    /** A logical unit, by the device that it shows. */
    UNIT,
    /** A mapped device: a volume, a snapshot, or one of the power user's. */
    DEVICE,
    /** A file or another image below mapped devices. */
    FILE
  }
}
