// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Which writes are made where they are submitted. */
final class QuickWritesTest {
  private final long begin = begin();
  private final QuickWrites writes = new QuickWrites(begin);

  private static long begin() {
    return Long.MAX_VALUE - 5; // the clock may overflow
  }

  @Test
  void thoseOfWholePages() {
    assertThat(writes.may(8192, 4096, begin)).isTrue();
    assertThat(writes.may(0, QuickWrites.MAX_BYTES, begin)).isTrue();
    assertThat(writes.may(0, QuickWrites.MAX_BYTES + 4096, begin)).isFalse();
    assertThat(writes.may(512, 4096, begin)).isFalse();
    assertThat(writes.may(4096, 512, begin)).isFalse();
  }

  @Test
  void oneThatHadToWaitIsFollowedByAPause() {
    long quick = begin + QuickWrites.QUICK_NANOS + 4096;
    writes.took(4096, begin, quick);
    assertThat(writes.may(0, 4096, quick)).isTrue();
    long took = 50_000_000;
    long end = quick + took;
    writes.took(1 << 20, quick, end);
    assertThat(writes.may(0, 4096, end)).isFalse();
    assertThat(writes.may(0, 4096, end + QuickWrites.PAUSE * took - 1)).isFalse();
    assertThat(writes.may(0, 4096, end + QuickWrites.PAUSE * took)).isTrue();
  }
}
