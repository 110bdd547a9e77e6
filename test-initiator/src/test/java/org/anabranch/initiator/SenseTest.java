// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import java.util.Objects;
import org.junit.jupiter.api.Test;

final class SenseTest {
  private static Sense parse(String hex) {
    return Objects.requireNonNull(Sense.parse(HexFormat.of().parseHex(hex)));
  }

  @Test
  void fixedFormat() {
    Sense sense = parse("f0000e000000100a000000001d0000000000");
    assertThat(sense.is(Sense.MISCOMPARE, 0x1d00)).isTrue();
    assertThat(sense.information()).isEqualTo(16L);
    assertThat(sense.describe())
        .isEqualTo("MISCOMPARE, miscompare during verify operation (1d/00), information 16");
  }

  @Test
  void descriptorFormat() {
    Sense sense = parse("7205210000000000");
    assertThat(sense.is(Sense.ILLEGAL_REQUEST, 0x2100)).isTrue();
    assertThat(sense.information()).isNull();
    assertThat(parse("720e1d000000000c000a80000000000000000200").information()).isEqualTo(512L);
  }

  @Test
  void deferred() {
    assertThat(parse("710003000000000a000000000c0000000000").deferred()).isTrue();
  }

  @Test
  void otherBytesAreNoSense() {
    assertThat(Sense.parse(new byte[18])).isNull();
    assertThat(Sense.parse(new byte[0])).isNull();
  }
}
