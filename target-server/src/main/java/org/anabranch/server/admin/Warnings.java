// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.admin;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.anabranch.server.base.ThreadStart;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Everything that is worse than a user may think, from all parts of the server.
 *
 * <dl>
 *   <dt>When is a warning logged?
 *   <dd>When it begins, within {@value #PERIOD_SECONDS} seconds, and again when it has ended. What
 *       a file system has left is not announced by it, so somebody must look.
 *   <dt>What if a source does not answer, because a file system hangs?
 *   <dd>{@code status} waits for {@value #PATIENCE_MILLIS} ms, shows what that source said last,
 *       and a warning that it does not answer. It is not asked again until it has answered.
 * </dl>
 *
 * Any thread.
 */
public final class Warnings implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Warnings.class);
  private static final int PERIOD_SECONDS = 5;
  private static final int PATIENCE_MILLIS = 1000;

  /** One source and what it said last. */
  private static final class Asked {
    final String name;
    final WarningSource source;
    private final ThreadFactory threads;
    List<Warning> last = List.of(); // guarded by this
    @Nullable CompletableFuture<List<Warning>> asking; // guarded by this

    Asked(String name, WarningSource source, ThreadFactory threads) {
      this.threads = threads;
      this.name = name;
      this.source = source;
    }

    /** Asks on a thread of its own, unless that is under way. */
    synchronized CompletableFuture<List<Warning>> ask() {
      if (asking != null) {
        return asking;
      }
      CompletableFuture<List<Warning>> answer = new CompletableFuture<>();
      asking = answer;
      if (!ThreadStart.of(threads, () -> answer(answer))) {
        asking = null; // so that it is asked again next time
        List<Warning> known = new ArrayList<>(last);
        known.add(new Warning(name, "could not be looked at", ThreadStart.REMEDY));
        answer.complete(known);
      }
      return answer;
    }

    private void answer(CompletableFuture<List<Warning>> answer) {
      List<Warning> found = null;
      try {
        found = source.warnings();
      } catch (RuntimeException e) {
        LOG.error("warnings of {}", name, e);
      }
      synchronized (this) {
        last = found == null ? last : List.copyOf(found);
        asking = null;
        found = last;
      }
      answer.complete(found);
    }

    synchronized List<Warning> last() {
      return last;
    }
  }

  private final List<Asked> sources = new ArrayList<>();
  private final CountDownLatch closing = new CountDownLatch(1);

  /** Logged, and not ended yet; the thread {@code warnings} alone. */
  private final Set<Warning> logged = new HashSet<>();

  /**
   * @param sources by what each looks at, such as {@code files}; in the order in which they are
   *     shown
   */
  public Warnings(SequencedMap<String, WarningSource> sources) {
    this(sources, Thread.ofPlatform().daemon().name("warnings of a source").factory());
  }

  /**
   * The same with other threads.
   *
   * @param threads each asks one source once
   */
  Warnings(SequencedMap<String, WarningSource> sources, ThreadFactory threads) {
    sources.forEach((name, source) -> this.sources.add(new Asked(name, source, threads)));
  }

  /** Begins to look for the log. */
  public void start() {
    Thread.ofPlatform().daemon().name("warnings").start(this::run);
  }

  private void run() {
    try {
      do {
        log(now());
      } while (!closing.await(PERIOD_SECONDS, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void log(List<Warning> now) {
    for (Warning warning : now) {
      if (logged.add(warning)) {
        LOG.warn("{}", warning);
      }
    }
    Set<Warning> ended = new HashSet<>(logged);
    now.forEach(ended::remove);
    logged.removeAll(ended);
    ended.forEach(warning -> LOG.info("no longer so: {}: {}", warning.subject(), warning.text()));
  }

  /** What is wrong now. */
  public List<Warning> now() {
    Map<Asked, CompletableFuture<List<Warning>>> answers = new LinkedHashMap<>();
    sources.forEach(source -> answers.put(source, source.ask()));
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MILLIS);
    List<Warning> found = new ArrayList<>();
    answers.forEach((source, answer) -> found.addAll(await(source, answer, deadline)));
    return found.stream().distinct().toList();
  }

  private static List<Warning> await(
      Asked source, CompletableFuture<List<Warning>> answer, long deadline) {
    try {
      return answer.get(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      List<Warning> late = new ArrayList<>(source.last());
      late.add(
          new Warning(
              source.name,
              "could not be looked at within " + PATIENCE_MILLIS + " ms",
              "see whether a file system or disk hangs"));
      return late;
    } catch (ExecutionException e) {
      throw new IllegalStateException(e); // an answer never fails
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return source.last();
    }
  }

  @Override
  public void close() {
    closing.countDown();
  }
}
