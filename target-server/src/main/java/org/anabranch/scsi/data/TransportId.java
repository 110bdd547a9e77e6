// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.data;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.regex.Pattern;
import org.anabranch.naming.IscsiName;
import org.anabranch.scsi.api.InitiatorPort;
import org.anabranch.scsi.api.Nexus;

/** TransportIDs of iSCSI initiator ports (SPC-4 7.6.4.6). */
public final class TransportId {
  private static final int HEADER = 4;
  private static final int DEVICE_FORMAT = 0x00;
  private static final int PORT_FORMAT = 0x40;
  private static final int ISCSI = 0x05;
  private static final int SHORTEST = 24;

  /** Between a name and its ISID, which is 12 hexadecimal digits. No name has a comma. */
  private static final String SEPARATOR = ",i,0x";

  private static final Pattern ISID = Pattern.compile("[0-9A-Fa-f]{12}");

  private TransportId() {}

  /** A port name in TransportID format 01b: null terminated, padded to a multiple of four. */
  public static byte[] encode(String portName) {
    byte[] name = portName.getBytes(StandardCharsets.UTF_8);
    byte[] id =
        Arrays.copyOf(
            new byte[] {PORT_FORMAT | ISCSI}, Math.max(SHORTEST, HEADER + (name.length & ~3) + 4));
    BigEndian.put16(id, 2, id.length - HEADER);
    System.arraycopy(name, 0, id, HEADER, name.length);
    return id;
  }

  /** Length of the TransportID at an offset, with its header; longer than the list if truncated. */
  public static int length(byte[] list, int at) {
    return list.length - at < HEADER ? SHORTEST : HEADER + BigEndian.u16(list, at + 2);
  }

  /**
   * The port name in a TransportID of format 01b.
   *
   * @throws CheckCondition if it is not one of an iSCSI initiator port
   */
  public static String port(byte[] list, int at) throws CheckCondition {
    if (list[at] != (PORT_FORMAT | ISCSI)) {
      throw CheckCondition.inParameters(at, 7);
    }
    String text = text(list, at);
    int separator = text.lastIndexOf(',') - 2;
    String isid = text.substring(Math.max(separator + SEPARATOR.length(), 0));
    if (separator < 0
        || !text.regionMatches(true, separator, SEPARATOR, 0, SEPARATOR.length())
        || !ISID.matcher(isid).matches()) {
      throw CheckCondition.inParameters(at + HEADER);
    }
    String name = name(text.substring(0, separator), at);
    return new InitiatorPort(name, Long.parseLong(isid, 16)).portName();
  }

  /**
   * The names of the ports that a TransportID stands for: of format 01b the one in it, of format
   * 00b, which has the initiator's name, those that are logged in under it.
   *
   * @throws CheckCondition if it is of neither format, or stands for none
   */
  public static Set<String> ports(byte[] list, int at, Collection<Nexus> sessions)
      throws CheckCondition {
    if (list[at] != (DEVICE_FORMAT | ISCSI)) {
      return Set.of(port(list, at));
    }
    String name = name(text(list, at), at);
    Set<String> ports = new LinkedHashSet<>();
    for (Nexus nexus : sessions) {
      if (nexus.initiator().name().equals(name)) {
        ports.add(nexus.initiator().portName());
      }
    }
    if (ports.isEmpty()) {
      throw CheckCondition.inParameters(at + HEADER);
    }
    return ports;
  }

  /** A name in any spelling that a login accepts, normalised. */
  private static String name(String text, int at) throws CheckCondition {
    if (IscsiName.flaw(text) != null) {
      throw CheckCondition.inParameters(at + HEADER);
    }
    return new IscsiName(text).text();
  }

  private static String text(byte[] list, int at) {
    int end = at + length(list, at);
    int terminator = at + HEADER;
    while (terminator < end && list[terminator] != 0) {
      terminator++;
    }
    return new String(list, at + HEADER, terminator - at - HEADER, StandardCharsets.UTF_8);
  }
}
