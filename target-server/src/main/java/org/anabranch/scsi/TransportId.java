// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** TransportIDs of iSCSI initiator ports (SPC-4 7.6.4.6). */
final class TransportId {
  private static final int HEADER = 4;
  private static final int DEVICE_FORMAT = 0x00;
  private static final int PORT_FORMAT = 0x40;
  private static final int ISCSI = 0x05;
  private static final int SHORTEST = 24;
  private static final Pattern DEVICE_NAME = Pattern.compile("[a-z0-9.:\\-]{1,223}");
  private static final Pattern PORT_NAME = Pattern.compile("[a-z0-9.:\\-]{1,223},i,0x[0-9a-f]{12}");

  private TransportId() {}

  /** A port name in TransportID format 01b: null terminated, padded to a multiple of four. */
  static byte[] encode(String portName) {
    byte[] name = portName.getBytes(StandardCharsets.UTF_8);
    byte[] id =
        Arrays.copyOf(
            new byte[] {PORT_FORMAT | ISCSI}, Math.max(SHORTEST, HEADER + (name.length & ~3) + 4));
    Bytes.put16(id, 2, id.length - HEADER);
    System.arraycopy(name, 0, id, HEADER, name.length);
    return id;
  }

  /** How long the TransportID at an offset is, header included; more than is there if it is cut. */
  static int length(byte[] list, int at) {
    return list.length - at < HEADER ? SHORTEST : HEADER + Bytes.u16(list, at + 2);
  }

  /**
   * The port name in a TransportID of format 01b.
   *
   * @throws CheckCondition if it is not one of an iSCSI initiator port
   */
  static String port(byte[] list, int at) throws CheckCondition {
    if (list[at] != (PORT_FORMAT | ISCSI)) {
      throw CheckCondition.inParameters(at, 7);
    }
    return name(list, at, PORT_NAME);
  }

  /**
   * The names of the ports that a TransportID stands for: of format 01b the one in it, of format
   * 00b, which has the initiator's name, those that are logged in under it.
   *
   * @throws CheckCondition if it is of neither format, or stands for none
   */
  static Set<String> ports(byte[] list, int at, Collection<Nexus> sessions) throws CheckCondition {
    if (list[at] != (DEVICE_FORMAT | ISCSI)) {
      return Set.of(port(list, at));
    }
    String name = name(list, at, DEVICE_NAME);
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

  private static String name(byte[] list, int at, Pattern form) throws CheckCondition {
    int end = at + length(list, at);
    int terminator = at + HEADER;
    while (terminator < end && list[terminator] != 0) {
      terminator++;
    }
    String name =
        new String(list, at + HEADER, terminator - at - HEADER, StandardCharsets.UTF_8)
            .toLowerCase(Locale.ROOT);
    if (!form.matcher(name).matches()) {
      throw CheckCondition.inParameters(at + HEADER);
    }
    return name;
  }
}
