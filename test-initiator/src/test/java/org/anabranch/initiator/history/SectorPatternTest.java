// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.history;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

final class SectorPatternTest {
  private final ByteBuffer data = ByteBuffer.allocate(1024);

  @Test
  void saysWhoWroteIt() {
    SectorPattern.write(data, 512, 3, 77, 5);
    assertThat(SectorPattern.read(data, 512, 3, 77)).isEqualTo(5);
    assertThat(SectorPattern.read(data, 0, 3, 76)).isZero();
  }

  @Test
  void anotherPlaceIsForeign() {
    SectorPattern.write(data, 0, 3, 77, 5);
    assertThat(SectorPattern.read(data, 0, 3, 78)).isEqualTo(SectorPattern.FOREIGN);
    assertThat(SectorPattern.read(data, 0, 4, 77)).isEqualTo(SectorPattern.FOREIGN);
    assertThat(SectorPattern.describe(data, 0, 4, 77))
        .isEqualTo("LUN 3, sector 77, write 5, whole");
  }

  @Test
  void everyByteCounts() {
    for (int at = 0; at < 512; at++) {
      SectorPattern.write(data, 0, 3, 77, 5);
      data.put(at, (byte) (data.get(at) ^ 0x10));
      assertThat(SectorPattern.read(data, 0, 3, 77)).as("byte %d", at).isNotEqualTo(5);
      data.clear().put(new byte[1024]).clear().put(at, (byte) 1);
      assertThat(SectorPattern.read(data, 0, 3, 77)).isEqualTo(SectorPattern.FOREIGN);
    }
  }

  @Test
  void halfOfTwoWritesIsTorn() {
    SectorPattern.write(data, 0, 3, 77, 5);
    SectorPattern.write(data, 512, 3, 77, 6);
    data.put(256, data, 768, 256);
    assertThat(SectorPattern.read(data, 0, 3, 77)).isEqualTo(SectorPattern.FOREIGN);
    assertThat(SectorPattern.describe(data, 0, 3, 77)).contains("torn");
  }
}
