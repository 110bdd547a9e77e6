// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.log;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.anabranch.config.LogConfig.Format;
import org.junit.jupiter.api.Test;

final class LogQueueTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  /** Standard error with a reader that can go away. */
  private static final class Reader extends OutputStream {
    private final ByteArrayOutputStream read = new ByteArrayOutputStream();
    final CountDownLatch reads = new CountDownLatch(1);

    /** Is down when something is there to be read. */
    final CountDownLatch waits = new CountDownLatch(1);

    final AtomicBoolean broken = new AtomicBoolean();

    @Override
    public void write(int b) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void write(byte[] bytes) throws IOException {
      waits.countDown();
      try {
        reads.await();
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
      if (broken.get()) {
        throw new IOException("Broken pipe");
      }
      synchronized (this) {
        read.writeBytes(bytes);
      }
    }

    synchronized List<String> lines() {
      return read.toString(StandardCharsets.UTF_8).lines().toList();
    }
  }

  private final Reader reader = new Reader();

  private LogQueue queue(boolean held) {
    LogQueue queue =
        new LogQueue(
            reader, new RepeatLimit(() -> 0), LineFormat.of(Format.JOURNAL, true), false, held);
    queue.start();
    return queue;
  }

  @Test
  void nobodyWaitsForAReaderAndWhatIsDroppedIsCountedWhereItIsMissing()
      throws InterruptedException {
    LogQueue queue = queue(false);
    queue.doAppend(Events.event(Level.DEBUG, "line {}", 0));
    assertThat(reader.waits.await(PATIENCE.toSeconds(), SECONDS)).isTrue(); // it takes no more
    int lines = LogQueue.MAX_LINES + 5000;
    for (int i = 1; i < lines; i++) {
      queue.doAppend(Events.event(Level.DEBUG, "line {}", i)); // would hang
    }
    assertThat(queue.flush(Duration.ofMillis(50))).isFalse();
    reader.reads.countDown();
    assertThat(queue.flush(PATIENCE)).isTrue();
    queue.doAppend(Events.event(Level.DEBUG, "later"));
    assertThat(queue.flush(PATIENCE)).isTrue();
    List<String> read = reader.lines();
    assertThat(read.getFirst()).isEqualTo("<7>iscsi: line 0");
    assertThat(read.getLast()).isEqualTo("<7>iscsi: later");
    List<String> gaps = read.stream().filter(line -> line.contains("dropped")).toList();
    assertThat(gaps).hasSize(1);
    assertThat(read.indexOf(gaps.getFirst())).isEqualTo(read.size() - 2);
    int written = read.size() - 2;
    assertThat(written).isEqualTo(LogQueue.MAX_LINES + 1);
    assertThat(gaps.getFirst())
        .isEqualTo(
            String.format(
                "<4>log: %,d lines were dropped: standard error did not take them in time",
                lines - written));
  }

  @Test
  void charactersAreBoundedToo() {
    LogQueue queue = queue(true);
    String long1 = "x".repeat(1 << 20);
    for (int i = 0; i < 100; i++) {
      queue.doAppend(Events.event(Level.DEBUG, "{}", long1));
    }
    reader.reads.countDown();
    assertThat(queue.flush(PATIENCE)).isTrue();
    assertThat(reader.lines()).hasSize(5);
    assertThat(reader.lines().getLast()).startsWith("<4>log: 96 lines were dropped");
  }

  @Test
  void nothingIsWrittenBeforeTheFormatIsKnown() {
    reader.reads.countDown();
    LogQueue queue = queue(true);
    queue.doAppend(Events.event(Level.INFO, "first"));
    queue.format(LineFormat.of(Format.JSON, true));
    assertThat(queue.flush(PATIENCE)).isTrue();
    assertThat(reader.lines())
        .containsExactly("<6>{\"level\":\"info\",\"subject\":\"iscsi\",\"message\":\"first\"}");
  }

  @Test
  void whatIsHeldIsWrittenAtTheEnd() {
    reader.reads.countDown();
    LogQueue queue = queue(true);
    queue.doAppend(Events.event(Level.INFO, "first"));
    assertThat(queue.flush(PATIENCE)).isTrue();
    assertThat(reader.lines()).containsExactly("<6>iscsi: first");
  }

  @Test
  void sumsAreWrittenAtTheEnd() {
    reader.reads.countDown();
    LogQueue queue = queue(false);
    for (int i = 0; i < 1000; i++) {
      queue.doAppend(Events.event(Level.ERROR, "{}: write at {} failed", "vm1", i));
    }
    assertThat(queue.flush(PATIENCE)).isTrue();
    assertThat(reader.lines())
        .hasSize(6)
        .last()
        .isEqualTo("<3>iscsi: vm1: write at 5 failed (and 994 more like it within 10 s)");
  }

  @Test
  void whatCannotBeWrittenIsCountedAndNotTriedForEver() {
    reader.reads.countDown();
    reader.broken.set(true);
    LogQueue queue = queue(false);
    for (int i = 0; i < 10; i++) {
      queue.doAppend(Events.event(Level.DEBUG, "line {}", i));
      assertThat(queue.flush(PATIENCE)).isTrue();
    }
    assertThat(reader.lines()).isEmpty();
    reader.broken.set(false);
    queue.doAppend(Events.event(Level.DEBUG, "works"));
    assertThat(queue.flush(PATIENCE)).isTrue();
    assertThat(reader.lines())
        .containsExactly(
            "<4>log: 10 lines were dropped: standard error did not take them in time",
            "<7>iscsi: works");
  }
}
