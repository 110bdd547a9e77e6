// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class SizesTest {
  @Test
  void sizesThatPeopleCompareAreNotRounded() {
    assertThat(Sizes.exact(20L << 30)).isEqualTo("20 GiB");
    assertThat(Sizes.exact((20L << 30) + (512L << 20))).isEqualTo("20.5 GiB");
    assertThat(Sizes.exact(1025L << 20)).isEqualTo("1025 MiB");
    assertThat(Sizes.exact((1L << 40) + (1L << 30))).isEqualTo("1025 GiB");
    assertThat(Sizes.exact(512)).isEqualTo("512 B");
    assertThat(Sizes.exact(0)).isEqualTo("0 B");
    assertThat(Sizes.exact((1L << 50) + 512)).isEqualTo("about 1 PiB");
    assertThat(Sizes.exact(Long.MAX_VALUE)).isEqualTo("about 8 EiB");
  }
}
