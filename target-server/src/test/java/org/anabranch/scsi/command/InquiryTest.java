// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.anabranch.block.Limits;
import org.anabranch.scsi.Lab;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.data.UnitIdentity;
import org.junit.jupiter.api.Test;

final class InquiryTest {
  private final Lab lab = Lab.disk();
  private final Lab.Initiator initiator = lab.initiator();

  private byte[] page(int page) {
    Lab.Result result = initiator.send(String.format("12 01 %02x 10 00 00", page));
    result.isGood();
    byte[] data = result.data();
    assertThat(data[1] & 0xff).isEqualTo(page);
    assertThat(BigEndian.u16(data, 2)).isEqualTo(data.length - 4);
    return data;
  }

  @Test
  void standardDataSaysWhatItIs() {
    byte[] data = initiator.send("12 00 00 00 ff 00").data();
    assertThat(data).hasSize(96);
    assertThat(data[4] & 0xff).isEqualTo(91);
    assertThat(data[1]).as("RMB").isZero();
    assertThat(new String(data, 8, 28, StandardCharsets.US_ASCII))
        .isEqualTo("ANABRNCHvolume          0001");
    assertThat(initiator.send("12 00 00 00 05 00").data()).hasSize(5);
    assertThat(initiator.send("12 00 00 00 00 00").data()).isEmpty();
    initiator.send("12 00 80 00 ff 00").fails("5/24/00");
  }

  @Test
  void everyListedPageIsThereInAscendingOrder() {
    byte[] list = page(0);
    int before = -1;
    for (int at = 4; at < list.length; at++) {
      int code = list[at] & 0xff;
      assertThat(code).isGreaterThan(before);
      page(code);
      before = code;
    }
    initiator.send("12 01 c0 10 00 00").fails("5/24/00");
  }

  @Test
  void identityIsStableAndDiffersBetweenVolumesAndTargets() {
    UnitIdentity identity = UnitIdentity.of("iqn.2026-11.org.example:a", "vm1");
    assertThat(identity).isEqualTo(UnitIdentity.of("iqn.2026-11.org.example:a", "vm1"));
    assertThat(identity.serial())
        .isNotEqualTo(UnitIdentity.of("iqn.2026-11.org.example:a", "vm2").serial())
        .isNotEqualTo(UnitIdentity.of("iqn.2026-11.org.example:b", "vm1").serial());
    assertThat(identity.naa().digits()).hasSize(16).startsWith("3");
    byte[] page = page(0x83);
    assertThat(new String(page, StandardCharsets.US_ASCII))
        .contains(Lab.TARGET + ",t,0x0001")
        .contains(lab.unit.properties().identity().serial());
    assertThat(page(0x80))
        .endsWith(lab.unit.properties().identity().serial().getBytes(StandardCharsets.US_ASCII));
  }

  @Test
  void provisioningIsTold() {
    assertThat(page(0xb2)).isEqualTo(Lab.hex("00 b2 00 04 00 e4 02 00"));
    lab.disk.limits(Limits.DEFAULT.withDiscard(true, false, 8));
    assertThat(page(0xb2)).isEqualTo(Lab.hex("00 b2 00 04 00 e0 02 00"));
    lab.disk.limits(Limits.DEFAULT.withDiscard(false, false, 1));
    assertThat(page(0xb2)).isEqualTo(Lab.hex("00 b2 00 04 00 00 00 00"));
  }

  @Test
  void blockLimitsAreThoseThatAreHeld() {
    byte[] page = page(0xb0);
    assertThat(page).hasSize(64);
    assertThat(page[5] & 0xff).as("COMPARE AND WRITE").isEqualTo(255);
    assertThat(BigEndian.u32(page, 8)).as("transfer").isEqualTo(16384);
    assertThat(BigEndian.u32(page, 20)).as("UNMAP blocks").isEqualTo(1 << 20);
    assertThat(BigEndian.u32(page, 24)).as("UNMAP descriptors").isEqualTo(256);
    assertThat(BigEndian.u64(page, 36)).as("WRITE SAME").isEqualTo(65535);
    assertThat(BigEndian.u32(page, 16)).as("PRE-FETCH").isZero();
    assertThat(BigEndian.u32(page, 32)).as("UGAVALID, aligned to 0").isEqualTo(0x8000_0000L);
    lab.disk.limits(Limits.DEFAULT.withDiscard(false, false, 1));
    assertThat(Arrays.copyOfRange(page(0xb0), 20, 36)).as("no UNMAP").containsOnly(0);
  }

  @Test
  void capacity16() {
    byte[] data = initiator.send("9e 10 00 00 00 00 00 00 00 00 00 00 00 20 00 00").data();
    assertThat(data).hasSize(32);
    assertThat(BigEndian.u64(data, 0)).isEqualTo(8191);
    assertThat(BigEndian.u32(data, 8)).isEqualTo(512);
    assertThat(data[14] & 0xff).as("LBPME, LBPRZ").isEqualTo(0xc0);
  }

  @Test
  void portGroups() {
    assertThat(initiator.send("a3 0a 00 00 00 00 00 00 10 00 00 00").data())
        .isEqualTo(Lab.hex("00 00 00 10 00 01 00 01 00 00 00 02 00 00 00 01 00 00 00 02"));
    assertThat(initiator.send("a3 2a 00 00 00 00 00 00 10 00 00 00").data())
        .startsWith(Lab.hex("00 00 00 14 10 00 00 00 00 01 00 01"));
    initiator.send("a3 4a 00 00 00 00 00 00 10 00 00 00").fails("5/24/00");
  }

  @Test
  void taskManagementFunctions() {
    assertThat(initiator.send("a3 0d 00 00 00 00 00 00 00 04 00 00").data())
        .isEqualTo(Lab.hex("da 00 00 00"));
    initiator.send("a3 0d 00 00 00 00 00 00 00 03 00 00").fails("5/24/00");
  }
}
