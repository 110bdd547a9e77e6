// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.anabranch.server.base.RefusedException;

/**
 * How far a merge is, as the block layer's {@code progress} message tells it.
 *
 * @param state such as {@code running}, {@code paused}, {@code done}, {@code failed}
 * @param remaining bytes left
 * @param merged bytes merged since the server started or the merge began
 * @param rate bytes a second
 * @param seconds that it will take; -1 when unknown
 */
public record MergeStatus(String state, long remaining, long merged, long rate, long seconds) {
  static MergeStatus parse(String reply) throws RefusedException {
    String[] words = reply.split(" ", -1);
    Map<String, Long> numbers = new HashMap<>();
    try {
      for (int i = 1; i < words.length; i++) {
        int equals = words[i].indexOf('=');
        numbers.put(words[i].substring(0, equals), Long.valueOf(words[i].substring(equals + 1)));
      }
    } catch (NumberFormatException | IndexOutOfBoundsException e) {
      throw new RefusedException("progress of a merge cannot be read: " + reply, e);
    }
    return new MergeStatus(
        words[0],
        numbers.getOrDefault("remaining", 0L),
        numbers.getOrDefault("merged", 0L),
        numbers.getOrDefault("rate", 0L),
        numbers.getOrDefault("seconds", -1L));
  }

  boolean isDone() {
    return state.equals("done");
  }

  /** Whether it stopped at an error, and can be tried again. */
  public boolean isFailed() {
    return state.equals("failed");
  }

  /** Whether it will not go on by itself. */
  public boolean isStuck() {
    return isFailed() || state.equals("invalid");
  }

  /** As a JSON object. */
  public Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("state", state);
    json.put("remaining-bytes", remaining);
    json.put("merged-bytes", merged);
    json.put("bytes-per-second", rate);
    json.put("seconds-left", seconds);
    return json;
  }
}
