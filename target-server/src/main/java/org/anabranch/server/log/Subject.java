// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.log;

import java.util.Map;

/**
 * What a line is about, in the field's words. It stands in front of the message in place of a
 * class's name, and follows from the package that logs.
 */
final class Subject {
  /** What a line of a package without a row is about. */
  static final String OTHER = "server";

  /** By package. One that has no row takes the row of the package around it. */
  private static final Map<String, String> BY_PACKAGE =
      Map.ofEntries(
          Map.entry("org.anabranch.block", "block"),
          Map.entry("org.anabranch.block.dm", "dm"),
          Map.entry("org.anabranch.block.file", "file"),
          Map.entry("org.anabranch.block.nbd", "nbd"),
          Map.entry("org.anabranch.block.rbd", "rbd"),
          Map.entry("org.anabranch.block.snapshot", "snapshot"),
          Map.entry("org.anabranch.block.store", "snapshot"),
          Map.entry("org.anabranch.iscsi", "iscsi"),
          Map.entry("org.anabranch.jscsi", "iscsi"),
          Map.entry("org.anabranch.scsi", "scsi"),
          Map.entry("org.anabranch.initiator", "initiator"),
          Map.entry("org.anabranch.server", OTHER),
          Map.entry("org.anabranch.server.control", "control"),
          Map.entry("org.anabranch.server.exports", "export"),
          Map.entry("org.anabranch.server.http", "http"),
          Map.entry("org.anabranch.server.log", "log"),
          Map.entry("org.anabranch.server.snapshots", "snapshot"),
          Map.entry("org.anabranch.server.state", "state"),
          Map.entry("org.anabranch.server.storage", "volume"),
          Map.entry("org.anabranch.server.systemd", "systemd"),
          Map.entry("org.anabranch.server.uses", "volume"),
          Map.entry("io.netty", "network"));

  private Subject() {}

  /**
   * The subject of a logger's lines.
   *
   * @param logger the logger's name: a class, with its package
   */
  static String of(String logger) {
    for (int end = logger.lastIndexOf('.'); end > 0; end = logger.lastIndexOf('.', end - 1)) {
      String subject = BY_PACKAGE.get(logger.substring(0, end));
      if (subject != null) {
        return subject;
      }
    }
    return OTHER;
  }
}
