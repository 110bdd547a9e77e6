// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.data;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.anabranch.scsi.api.TargetPort;

/**
 * Designation descriptors of the device identification page (SPC-4 7.8.6): of the logical unit a
 * NAA and a T10 vendor ID designator; of the port its relative identifier, target port group and
 * name; of the device its name.
 *
 * <p>The NAA comes first: of designators that it ranks alike, Linux takes the first.
 */
public final class Designators {
  private static final int BINARY = 1;
  private static final int ASCII = 2;
  private static final int UTF8 = 3;

  private static final int UNIT = 0x00;
  private static final int PORT = 0x10;
  private static final int DEVICE = 0x20;

  private static final int T10_VENDOR_ID = 1;
  private static final int NAA = 3;
  private static final int RELATIVE_PORT = 4;
  private static final int PORT_GROUP = 5;
  private static final int SCSI_NAME = 8;

  private static final int ISCSI = 5;

  /** The target port group that all ports are in through which a unit of one server is reached. */
  public static final int TARGET_PORT_GROUP = 1;

  private Designators() {}

  /** Those of a unit that is reached through a port of a target port group. */
  public static byte[] of(UnitIdentity identity, TargetPort port, int group) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.writeBytes(naa(identity));
    all.writeBytes(t10(identity));
    byte[] number = new byte[4];
    BigEndian.put16(number, 2, port.relativeIdentifier());
    all.writeBytes(descriptor(BINARY, PORT | RELATIVE_PORT, number));
    BigEndian.put16(number, 2, group);
    all.writeBytes(descriptor(BINARY, PORT | PORT_GROUP, number));
    all.writeBytes(descriptor(UTF8, PORT | SCSI_NAME, name(port.portName())));
    all.writeBytes(descriptor(UTF8, DEVICE | SCSI_NAME, name(port.targetName())));
    return all.toByteArray();
  }

  public static byte[] naa(UnitIdentity identity) {
    return descriptor(BINARY, UNIT | NAA, identity.naa().bytes());
  }

  public static byte[] t10(UnitIdentity identity) {
    byte[] text = identity.t10().getBytes(StandardCharsets.US_ASCII);
    return descriptor(ASCII, UNIT | T10_VENDOR_ID, text);
  }

  /** A SCSI name string: null terminated, padded to a multiple of four bytes. */
  private static byte[] name(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    return Arrays.copyOf(utf8, (utf8.length & ~3) + 4);
  }

  private static byte[] descriptor(int codeSet, int association, byte[] designator) {
    byte[] descriptor = new byte[4 + designator.length];
    boolean port = (association & 0x30) != 0;
    descriptor[0] = (byte) (port ? ISCSI << 4 | codeSet : codeSet);
    descriptor[1] = (byte) (port ? 0x80 | association : association);
    descriptor[3] = (byte) designator.length;
    System.arraycopy(designator, 0, descriptor, 4, designator.length);
    return descriptor;
  }
}
