// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.admin;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.anabranch.server.base.ThreadStart;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/** How warnings are gathered and logged. */
@Timeout(60)
final class WarningsTest {
  private static final Warning FULL =
      new Warning("file system of /srv", "it is full", "free space there");

  private static Warnings warnings(String name, WarningSource source) {
    LinkedHashMap<String, WarningSource> sources = new LinkedHashMap<>();
    sources.put(name, source);
    sources.put("other", () -> List.of(FULL));
    return new Warnings(sources);
  }

  @Test
  void aSourceWithoutAThreadIsAWarningAndIsAskedAgain() {
    AtomicBoolean none = new AtomicBoolean(true);
    LinkedHashMap<String, WarningSource> sources = new LinkedHashMap<>();
    sources.put("files", () -> List.of(FULL));
    try (Warnings warnings =
        new Warnings(
            sources,
            work -> {
              if (none.get()) {
                throw new OutOfMemoryError("unable to create native thread (on purpose)");
              }
              return Thread.ofPlatform().daemon().unstarted(work);
            })) {
      assertThat(warnings.now())
          .containsExactly(new Warning("files", "could not be looked at", ThreadStart.REMEDY));
      none.set(false);
      assertThat(warnings.now()).containsExactly(FULL);
    }
  }

  @Test
  void theSameWarningOfTwoSourcesIsShownOnce() {
    try (Warnings warnings = warnings("files", () -> List.of(FULL))) {
      assertThat(warnings.now()).containsExactly(FULL);
    }
  }

  @Test
  void aSourceThatHangsIsAWarningAndHidesNoOther() {
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch hang = new CountDownLatch(1);
    WarningSource hanging =
        () -> {
          entered.countDown();
          try {
            hang.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          return List.of();
        };
    try (Warnings warnings = warnings("files", hanging)) {
      for (int i = 0; i < 2; i++) {
        assertThat(warnings.now())
            .extracting(Warning::toString)
            .containsExactly(
                "files: could not be looked at within 1000 ms; see whether a file system or disk"
                    + " hangs",
                FULL.toString());
      }
      assertThat(entered.getCount()).isZero();
      hang.countDown();
    }
  }

  @Test
  void theLogHasEachOnce() throws Exception {
    BlockingQueue<String> logged = new LinkedBlockingQueue<>();
    AppenderBase<ILoggingEvent> appender =
        new AppenderBase<>() {
          @Override
          protected void append(ILoggingEvent event) {
            logged.add(event.getLevel() + " " + event.getFormattedMessage());
          }
        };
    LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
    Logger log = context.getLogger(Warnings.class);
    appender.setContext(context);
    appender.start();
    log.addAppender(appender);
    BlockingQueue<Boolean> looked = new LinkedBlockingQueue<>();
    Warning late = new Warning("device a", "it is suspended", "dm resume a");
    WarningSource source =
        () -> {
          looked.add(true);
          return looked.size() < 2 ? List.of() : List.of(late);
        };
    try (Warnings warnings = warnings("devices", source)) {
      warnings.start();
      assertThat(logged.poll(30, TimeUnit.SECONDS)).isEqualTo("WARN " + FULL);
      assertThat(logged.poll(30, TimeUnit.SECONDS)).isEqualTo("WARN " + late);
      assertThat(logged).isEmpty();
    } finally {
      log.detachAppender(appender);
    }
  }
}
