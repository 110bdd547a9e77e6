// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.BitSet;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class FailedWritesTest {
  private static final Instant NOW = Instant.parse("2026-11-22T19:00:00Z");

  private final FailedWrites failed = new FailedWrites();

  @Test
  void theWarningBeginsWithTheFirstOneAndCountsTheOthers() {
    assertThat(failed.words()).isNull();
    failed.failed(8, 8, NOW, "Input/output error");
    assertThat(failed.words())
        .isEqualTo(
            "1 write has failed since 2026-11-22T19:00:00Z, the last one with: Input/output error");
    failed.failed(64, 8, NOW.plusSeconds(9), "No space left on device");
    assertThat(failed.words())
        .isEqualTo(
            "2 writes have failed since 2026-11-22T19:00:00Z, the last one with: No space left on"
                + " device");
  }

  @Test
  void itEndsWhenAllThatFailedHasBeenWritten() {
    failed.failed(8, 8, NOW, "EIO");
    failed.written(0, 8);
    failed.written(16, 8);
    failed.written(8, 4);
    assertThat(failed.words()).isNotNull();
    failed.written(12, 4);
    assertThat(failed.words()).isNull();
  }

  @Test
  void itEndsWhenSomebodyHasLookedAfterIt() {
    assertThat(failed.forget()).isFalse();
    failed.failed(8, 8, NOW, "EIO");
    assertThat(failed.forget()).isTrue();
    assertThat(failed.words()).isNull();
  }

  @Test
  void morePlacesThanAreToldApartEndOnlyByHand() {
    for (int i = 0; i < 3000; i++) {
      failed.failed(16L * i, 8, NOW, "EIO");
    }
    failed.written(0, 1 << 20);
    assertThat(failed.words()).startsWith("3000 writes have failed");
    assertThat(failed.forget()).isTrue();
    assertThat(failed.words()).isNull();
  }

  @Test
  void anyOrderEndsAsASetOfSectorsDoes() {
    SplittableRandom random = new SplittableRandom(1);
    BitSet sectors = new BitSet();
    for (int i = 0; i < 100_000; i++) {
      int first = random.nextInt(64);
      int count = 1 + random.nextInt(8);
      if (random.nextInt(4) == 0) {
        failed.failed(first, count, NOW, "EIO");
        sectors.set(first, first + count);
      } else {
        failed.written(first, count);
        sectors.clear(first, first + count);
      }
      assertThat(failed.words() == null).as("%s", sectors).isEqualTo(sectors.isEmpty());
    }
  }
}
