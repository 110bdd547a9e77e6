// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.imports;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.StateDirectory;

/**
 * What {@code tgt-admin --dump} prints of a tgtd that runs. It has the form of targets.conf, and
 * differs in what it means:
 *
 * <pre>
 *   backing-store      in the order of the LUNs; tgt-admin sorts those of a targets.conf by path
 *   initiator-name     also ALL, addresses with a prefix length, and those of IPv6
 *   secrets            not there
 *   tid, LUN, names    not there
 * </pre>
 */
final class TgtDump {
  /** A line of a dump, all of which tgt-admin writes in one way. */
  private static final Pattern LINE =
      Pattern.compile(
          "|default-driver \\S+|<target \\S+>|</target>"
              + "|\t(?:driver|backing-store|incominguser|outgoinguser|initiator-(?:address|name)) .+");

  private static final int MAX_BYTES = 16 << 20;

  private TgtDump() {}

  /** Whether a file is a dump, and no targets.conf that somebody wrote. */
  static boolean is(Path file) throws RefusedException {
    try {
      if (Files.size(file) > MAX_BYTES) {
        return false;
      }
      String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
      return (text.startsWith("default-driver ") || text.contains("\tdriver "))
          && text.contains("\n<target ")
          && text.lines().allMatch(line -> LINE.matcher(line).matches());
    } catch (IOException e) {
      throw new RefusedException(file + " cannot be read: " + StateDirectory.reason(e), e);
    }
  }

  /** What a dump leaves out. */
  static void report(Path file, Losses losses) {
    losses.add(
        file.toString(),
        "it is what tgt-admin --dump prints: LUNs are numbered from 1 on in its order, as they are"
            + " in tgtd unless a lun was set; what else was set for a LUN is not in it, and serials"
            + " and WWIDs are those of targets that are numbered by name: compare them with tgtadm"
            + " --lld iscsi --op show --mode target, or import targets.conf itself");
  }
}
