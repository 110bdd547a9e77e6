// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import org.anabranch.scsi.api.Nexus;
import org.anabranch.scsi.copy.CopyCommands;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.data.CheckCondition;
import org.anabranch.scsi.data.Designators;
import org.anabranch.scsi.unit.LogicalUnit;

/** Vital product data pages (SPC-4 7.8, SBC-3 6.6). */
final class VitalProductData {
  private static final int SUPPORTED_PAGES = 0x00;
  private static final int UNIT_SERIAL_NUMBER = 0x80;
  private static final int DEVICE_IDENTIFICATION = 0x83;
  private static final int EXTENDED_INQUIRY = 0x86;
  private static final int THIRD_PARTY_COPY = 0x8f;
  private static final int BLOCK_LIMITS = 0xb0;
  private static final int BLOCK_CHARACTERISTICS = 0xb1;
  private static final int LOGICAL_BLOCK_PROVISIONING = 0xb2;

  /** In ascending order, as page 00 lists them. */
  private static final int[] PAGES = {
    SUPPORTED_PAGES,
    UNIT_SERIAL_NUMBER,
    DEVICE_IDENTIFICATION,
    EXTENDED_INQUIRY,
    THIRD_PARTY_COPY,
    BLOCK_LIMITS,
    BLOCK_CHARACTERISTICS,
    LOGICAL_BLOCK_PROVISIONING
  };

  private VitalProductData() {}

  static byte[] page(LogicalUnit unit, Nexus nexus, int page) throws CheckCondition {
    byte[] body =
        switch (page) {
          case SUPPORTED_PAGES -> supportedPages();
          case UNIT_SERIAL_NUMBER ->
              unit.properties().identity().serial().getBytes(StandardCharsets.US_ASCII);
          case DEVICE_IDENTIFICATION ->
              Designators.of(unit.properties().identity(), nexus.port(), unit.portGroup());
          case EXTENDED_INQUIRY -> extendedInquiry();
          case THIRD_PARTY_COPY -> CopyCommands.vitalProductData();
          case BLOCK_LIMITS -> blockLimits(unit);
          case BLOCK_CHARACTERISTICS -> blockCharacteristics();
          case LOGICAL_BLOCK_PROVISIONING -> provisioning(unit);
          default -> throw CheckCondition.inCdb(2, 7);
        };
    ByteArrayOutputStream data = new ByteArrayOutputStream(4 + body.length);
    data.write(0); // connected, direct access block device
    data.write(page);
    data.write(body.length >> 8);
    data.write(body.length);
    data.writeBytes(body);
    return data.toByteArray();
  }

  private static byte[] supportedPages() {
    byte[] body = new byte[PAGES.length];
    for (int i = 0; i < PAGES.length; i++) {
      body[i] = (byte) PAGES[i];
    }
    return body;
  }

  /** SPC-4 7.8.7. */
  private static byte[] extendedInquiry() {
    byte[] body = new byte[60];
    body[1] = 0x07; // HEADSUP, ORDSUP, SIMPSUP
    body[2] = 0x01; // V_SUP: a volatile cache
    return body;
  }

  /** SBC-3 6.6.3. Bytes are numbered from behind the page header, as in {@code body}. */
  private static byte[] blockLimits(LogicalUnit unit) {
    byte[] body = new byte[60];
    BlockLimits limits = BlockLimits.of(unit);
    // WSNZ = 0: a WRITE SAME of 0 blocks goes to the end of the medium. No limit for PRE-FETCH.
    body[1] = (byte) limits.compareAndWrite();
    BigEndian.put16(body, 2, limits.granularity());
    BigEndian.put32(body, 4, limits.transfer());
    BigEndian.put32(body, 8, limits.optimalTransfer());
    BigEndian.put32(body, 16, limits.unmap());
    BigEndian.put32(body, 20, limits.unmapDescriptors());
    BigEndian.put32(body, 24, limits.unmapGranularity());
    BigEndian.put32(body, 28, unit.isThin() ? 0x8000_0000L : 0); // UGAVALID: aligned to block 0
    BigEndian.put64(body, 32, limits.writeSame());
    return body;
  }

  /** SBC-3 6.6.2: not rotating; after an erase reads succeed (WABEREQ = 01b, WACEREQ = 01b). */
  private static byte[] blockCharacteristics() {
    byte[] body = new byte[60];
    BigEndian.put16(body, 0, 1);
    body[3] = 0x50;
    return body;
  }

  /** SBC-3 6.6.4: LBPU, LBPWS and LBPWS10 where UNMAP is there; LBPRZ. */
  private static byte[] provisioning(LogicalUnit unit) {
    byte[] body = new byte[4];
    if (unit.reportsAllocation()) {
      body[1] = (byte) ((unit.isThin() ? 0xe0 : 0) | (unit.holesReadZero() ? 0x04 : 0));
      body[2] = 2; // thin provisioned
    }
    return body;
  }
}
