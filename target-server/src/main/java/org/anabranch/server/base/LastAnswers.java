// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.base;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers of things that may hang, such as file systems: how much is free, how long a file is.
 * Whoever asks waits for {@value #PATIENCE_MILLIS} ms at most, and then gets what each one answered
 * last. One that hangs is not asked again until it has answered, and occupies one of {@value
 * #THREADS} threads; the others go on with the rest.
 *
 * <p>Any thread.
 *
 * @param <K> what is asked
 * @param <V> its answers
 */
public final class LastAnswers<K, V> {
  /** A question to one of them; may wait for as long as it likes. */
  @FunctionalInterface
  public interface Question<V> {
    /** The answer; null when it is not known. */
    @Nullable V ask();
  }

  static final int PATIENCE_MILLIS = 500;
  static final int THREADS = 8;

  private static final Logger LOG = LoggerFactory.getLogger(LastAnswers.class);

  private record Asked<K, V>(K key, Question<V> question) {}

  private final ThreadFactory factory;

  @GuardedBy("this")
  private final Map<K, V> last = new HashMap<>();

  /** To be asked, and not begun. */
  @GuardedBy("this")
  private final ArrayDeque<Asked<K, V>> queue = new ArrayDeque<>();

  /** In the queue, or being asked. */
  @GuardedBy("this")
  private final Set<K> open = new HashSet<>();

  @GuardedBy("this")
  private int threads;

  /**
   * Nothing is known yet.
   *
   * @param name of the threads
   */
  public LastAnswers(String name) {
    this.factory = Thread.ofPlatform().daemon().name(name).factory();
  }

  /** What each of them answers, or has answered last; without those of which nothing is known. */
  public synchronized Map<K, V> of(Map<K, ? extends Question<V>> questions) {
    last.keySet().retainAll(questions.keySet());
    questions.forEach((key, question) -> {
      if (open.add(key)) {
        queue.add(new Asked<>(key, question));
      }
    });
    startThreads();
    await(questions.keySet());
    Map<K, V> known = new HashMap<>(last);
    known.keySet().retainAll(questions.keySet());
    return known;
  }

  @GuardedBy("this")
  private void startThreads() {
    while (threads < THREADS && threads < queue.size()) {
      if (!ThreadStart.of(factory, this::answer)) {
        break;
      }
      threads++;
    }
    if (threads == 0) { // nobody will answer
      queue.forEach(asked -> open.remove(asked.key));
      queue.clear();
    }
  }

  @GuardedBy("this")
  private void await(Set<K> keys) {
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MILLIS);
    long left = deadline - System.nanoTime();
    try {
      while (left > 0 && !Collections.disjoint(keys, open)) {
        TimeUnit.NANOSECONDS.timedWait(this, left);
        left = deadline - System.nanoTime();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** A thread asks until nobody is left. */
  private void answer() {
    Asked<K, V> asked = next();
    while (asked != null) {
      V answer = null;
      try {
        answer = asked.question.ask();
      } catch (RuntimeException e) {
        LOG.error("{}", asked.key, e);
      }
      store(asked.key, answer);
      asked = next();
    }
  }

  private synchronized @Nullable Asked<K, V> next() {
    Asked<K, V> asked = queue.poll();
    if (asked == null) {
      threads--;
    }
    return asked;
  }

  private synchronized void store(K key, @Nullable V answer) {
    open.remove(key);
    if (answer == null) {
      last.remove(key);
    } else {
      last.put(key, answer);
    }
    notifyAll();
  }
}
