// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which writes are made where they are submitted. */
final class QuickWritesTest {
  private final long begin = begin();
  private final WritesUnderWay underWay = new WritesUnderWay();
  private final QuickWrites writes = new QuickWrites(underWay, begin);

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
  void noneWhileOneToTheSameFileSystemHangs() {
    QuickWrites others = new QuickWrites(underWay, begin);
    writes.begin(begin);
    assertThat(others.may(0, 4096, begin + WritesUnderWay.HANGS_NANOS)).isTrue();
    long later = begin + WritesUnderWay.HANGS_NANOS + 1;
    others.begin(later); // this one is not known, and ends first
    others.took(4096, later, later + 1);
    assertThat(others.may(0, 4096, later)).isFalse();
    assertThat(new QuickWrites(new WritesUnderWay(), begin).may(0, 4096, later)).isTrue();
    writes.took(4096, begin, later);
    assertThat(others.may(0, 4096, later)).isTrue();
  }

  @Test
  void filesOfOneFileSystemAreKnownTogether(@TempDir Path folder) throws IOException {
    Path one = Files.createFile(folder.resolve("one"));
    Path two = Files.createFile(folder.resolve("two"));
    assertThat(WritesUnderWay.of(one)).isSameAs(WritesUnderWay.of(two));
    assertThat(WritesUnderWay.of(one)).isNotSameAs(WritesUnderWay.of(Path.of("/proc/version")));
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
