// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage.remote;

import java.io.IOException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Endpoints that did not answer a moment ago. A start or a reload asks about one image several
 * times; only the first question waits for an endpoint that is silent, and the others fail at once
 * with its reason. Any thread.
 *
 * @param <K> what names an endpoint; there are no more than the configuration names
 */
public final class SilentEndpoints<K> {
  /** How long a failure is remembered. */
  static final long MEMORY_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final long slowNanos;
  private final LongSupplier nanoTime;
  private final ConcurrentHashMap<K, Silence> silent = new ConcurrentHashMap<>();

  private record Silence(String reason, long until) {}

  /** A question to an endpoint, which may block. */
  @FunctionalInterface
  public interface Question<T extends @Nullable Object> {
    T ask() throws IOException;
  }

  /**
   * None is silent at first.
   *
   * @param slowNanos only a failure that took longer is remembered; a quick one costs nothing when
   *     it is repeated
   */
  public SilentEndpoints(long slowNanos) {
    this(slowNanos, System::nanoTime);
  }

  SilentEndpoints(long slowNanos, LongSupplier nanoTime) {
    this.slowNanos = slowNanos;
    this.nanoTime = nanoTime;
  }

  /**
   * Asks an endpoint, unless it was silent a moment ago.
   *
   * @param address names the image in messages
   * @throws IOException with a message of one line that begins with {@code address}
   */
  public <T extends @Nullable Object> T ask(K endpoint, String address, Question<T> question)
      throws IOException {
    long begin = nanoTime.getAsLong();
    Silence silence = silent.get(endpoint);
    if (silence != null && begin - silence.until() < 0) {
      throw new IOException(address + ": " + silence.reason());
    }
    try {
      T answer = question.ask();
      silent.remove(endpoint);
      return answer;
    } catch (IOException e) {
      String reason = String.valueOf(e.getMessage());
      long now = nanoTime.getAsLong();
      if (now - begin > slowNanos) {
        silent.put(endpoint, new Silence(reason, now + MEMORY_NANOS));
      }
      throw new IOException(address + ": " + reason, e);
    }
  }
}
