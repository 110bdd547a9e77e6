// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.anabranch.jscsi.JscsiVocabulary;
import org.anabranch.scsi.api.SenseKey;
import org.anabranch.scsi.api.Status;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The SCSI layer's own words and bytes, beside jSCSI's for the same. */
final class JscsiVocabularyTest {
  private static final int BLOCKS = 8192;

  @ParameterizedTest
  @EnumSource
  void statusCodes(Status status) {
    assertThat(JscsiVocabulary.status(status.code())).isEqualTo(status.name());
  }

  @ParameterizedTest
  @EnumSource
  void senseKeys(SenseKey key) {
    assertThat(key.code).isEqualTo(JscsiVocabulary.senseKey(key.name()));
  }

  /** What jSCSI's target gets wrong is only which number it gives them: see JscsiStorageModule. */
  @Test
  void capacity() {
    Lab.Initiator initiator = Lab.disk().initiator();
    assertThat(initiator.send("25 00 00 00 00 00 00 00 00 00").data())
        .isEqualTo(JscsiVocabulary.readCapacity10(BLOCKS - 1, 512));
    byte[] ours = initiator.send("9e 10 00 00 00 00 00 00 00 00 00 00 00 20 00 00").data();
    byte[] theirs = JscsiVocabulary.readCapacity16(BLOCKS - 1, 512);
    assertThat(ours).hasSameSizeAs(theirs);
    // Up to where provisioning and physical blocks begin, of which jSCSI says nothing.
    assertThat(Arrays.copyOf(ours, 12)).isEqualTo(Arrays.copyOf(theirs, 12));
  }

  @Test
  void luns() {
    assertThat(Lab.disk().initiator().send("a0 00 00 00 00 00 00 00 01 00 00 00").data())
        .isEqualTo(JscsiVocabulary.reportLuns(0));
  }

  /** The control page is unknown to jSCSI. */
  @Test
  void modePages() {
    Lab.Initiator initiator = Lab.disk().initiator();
    assertThat(page(initiator, "08")).isEqualTo(JscsiVocabulary.cachingPage());
    assertThat(page(initiator, "1c")).isEqualTo(JscsiVocabulary.informationalExceptionsPage());
  }

  /** Without the header, and without block descriptors (DBD). */
  private static byte[] page(Lab.Initiator initiator, String code) {
    byte[] data = initiator.send("1a 08 " + code + " 00 ff 00").data();
    return Arrays.copyOfRange(data, 4, data.length);
  }
}
