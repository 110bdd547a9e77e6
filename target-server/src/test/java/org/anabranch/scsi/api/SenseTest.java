// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import org.anabranch.block.IoError;
import org.anabranch.scsi.Lab;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class SenseTest {
  private static String hex(byte[] bytes) {
    return HexFormat.ofDelimiter(" ").formatHex(bytes);
  }

  @Test
  void fixedFormat() {
    assertThat(
            hex(Sense.of(SenseCode.UNRECOVERED_READ_ERROR, 0x12345678).encode(Sense.Format.FIXED)))
        .isEqualTo("f0 00 03 12 34 56 78 0a 00 00 00 00 11 00 00 00 00 00");
    assertThat(hex(Sense.inCdb(SenseCode.INVALID_FIELD_IN_CDB, 7, 5).encode(Sense.Format.FIXED)))
        .isEqualTo("70 00 05 00 00 00 00 0a 00 00 00 00 24 00 00 cd 00 07");
    assertThat(
            hex(
                Sense.inParameters(SenseCode.INVALID_FIELD_IN_PARAMETER_LIST, 258, -1)
                    .encode(Sense.Format.FIXED)))
        .isEqualTo("70 00 05 00 00 00 00 0a 00 00 00 00 26 00 00 80 01 02");
  }

  @Test
  void fixedFormatLeavesOutWhatItCannotHold() {
    assertThat(hex(Sense.of(SenseCode.WRITE_ERROR, 1L << 32).encode(Sense.Format.FIXED)))
        .isEqualTo("70 00 03 00 00 00 00 0a 00 00 00 00 0c 00 00 00 00 00");
  }

  @Test
  void descriptorFormat() {
    assertThat(hex(Sense.of(SenseCode.WRITE_ERROR, 0x123456789aL).encode(Sense.Format.DESCRIPTOR)))
        .isEqualTo("72 03 0c 00 00 00 00 0c 00 0a 80 00 00 00 00 12 34 56 78 9a");
    assertThat(
            hex(
                Sense.progress(SenseCode.SANITIZE_IN_PROGRESS, 0x8000)
                    .encode(Sense.Format.DESCRIPTOR)))
        .isEqualTo("72 02 04 1b 00 00 00 08 02 06 00 00 80 80 00 00");
    assertThat(hex(Sense.of(SenseCode.MEDIUM_NOT_PRESENT).encode(Sense.Format.DESCRIPTOR)))
        .isEqualTo("72 02 3a 00 00 00 00 00");
  }

  @ParameterizedTest
  @CsvSource({
    "IO, false, 3/11/00",
    "IO, true, 3/0c/00",
    "NO_SPACE, true, 7/27/07",
    "READ_ONLY, true, 7/27/00",
    "NOT_SUPPORTED, true, 5/20/00",
    "OUT_OF_RANGE, false, 5/21/00",
    "GONE, false, 4/08/00"
  })
  void everyFailureOfTheDeviceReachesTheInitiator(IoError.Kind kind, boolean writing, String code) {
    Lab lab = Lab.disk();
    Lab.Initiator initiator = lab.initiator();
    lab.disk.fail(kind, 101);
    Lab.Result result =
        writing
            ? initiator.send("2a 00 00 00 00 64 00 00 04 00", new byte[2048])
            : initiator.send("28 00 00 00 00 64 00 00 04 00");
    result.fails(code);
    if (kind == IoError.Kind.IO) {
      assertThat(result.information()).isEqualTo(101);
    }
    lab.disk.fail(null, -1);
    initiator.send("00 00 00 00 00 00").isGood();
  }
}
