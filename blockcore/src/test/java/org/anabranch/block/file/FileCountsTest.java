// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.anabranch.block.Io;
import org.anabranch.block.IoCompletion;
import org.anabranch.block.IoCounter;
import org.anabranch.block.IoError;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FileCountsTest {
  @TempDir Path folder;

  private static @Nullable IoError run(FileDevice file, Function<IoCompletion, Io> request)
      throws Exception {
    CompletableFuture<@Nullable IoError> done = new CompletableFuture<>();
    file.submit(request.apply((io, error) -> done.complete(error)));
    return done.get(1, TimeUnit.MINUTES);
  }

  @Test
  void eachRequestIsCountedOnceByItsOperation() throws Exception {
    FileOptions options = FileOptions.DEFAULT.withSectors(1024);
    FileDevice file = FileDevice.open("f", folder.resolve("f"), options);
    ByteBuffer data = ByteBuffer.allocateDirect(4096);
    for (int i = 0; i < 3; i++) {
      assertThat(run(file, done -> Io.write(8, data, false, done))).isNull();
    }
    assertThat(run(file, done -> Io.write(8, data, true, done))).isNull();
    assertThat(run(file, done -> Io.read(0, data, done))).isNull();
    assertThat(run(file, done -> Io.flush(done))).isNull();
    assertThat(run(file, done -> Io.discard(0, 16, done))).isNull();
    assertThat(run(file, done -> Io.writeZeroes(0, 32, false, done))).isNull();
    assertThat(run(file, done -> Io.blockStatus(0, 1024, done))).isNull();
    var ios = file.counts().counters(IoCounter.class);
    assertThat(ios.all().stream().map(ios::get))
        .containsExactly(1L, 4096L, 4L, 16384L, 1L, 1L, 8192L, 1L, 16384L, 1L);
    var counters = file.counts().counters(FileCounter.class);
    assertThat(counters.get(FileCounter.SYNCS)).isEqualTo(1);
    assertThat(counters.get(FileCounter.ERRORS)).isZero();
    // The FUA write, the discard, the write of zeros and the query at least.
    assertThat(counters.get(FileCounter.THREADED)).isBetween(4L, 8L);
    var latencies = file.counts().latencies(FileLatency.class);
    assertThat(latencies.read(FileLatency.SYNC).count()).isEqualTo(1);
    assertThat(latencies.read(FileLatency.THREADED).count())
        .isEqualTo(counters.get(FileCounter.THREADED));

    assertThat(run(file, done -> Io.read(1020, data, done))).isNotNull();
    assertThat(counters.get(FileCounter.ERRORS)).isEqualTo(1);
    file.close().toCompletableFuture().get(1, TimeUnit.MINUTES);
    assertThat(run(file, done -> Io.read(0, data, done))).isNotNull();
    assertThat(counters.get(FileCounter.ERRORS)).isEqualTo(2);
    assertThat(ios.get(IoCounter.READS)).isEqualTo(1);
  }
}
