// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.regex.Pattern;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.jspecify.annotations.Nullable;

/**
 * Volumes and devices that are not served because something they need is missing, damaged or
 * replaced. The server runs without them; their LUNs are absent. Any thread.
 */
public final class LeftOut implements WarningSource {

  /** What it is. */
  public enum Kind {
    /** A volume, and with it its snapshots. */
    VOLUME,
    /** A device of the configuration. */
    DEVICE,
    /** A device that {@code dm create} made. */
    MADE_DEVICE;

    /** For messages: {@code volume} or {@code device}. */
    public String word() {
      return this == VOLUME ? "volume" : "device";
    }
  }

  /**
   * A volume or device that is left out.
   *
   * @param text what is wrong
   * @param remedy what to do
   */
  public record Entry(Kind kind, String name, String text, String remedy) {
    /** {@code volume vm1}. */
    public String subject() {
      return kind.word() + " " + name;
    }

    /** The refusal for a request that names it. */
    public RefusedException refusal() {
      return new NotWholeException(subject(), "it is not served: " + text, remedy);
    }
  }

  private final Map<String, Entry> entries = new ConcurrentSkipListMap<>();

  /** Leaves it out from now on; logged, unless it was left out for the same reason before. */
  void add(Kind kind, String name, RefusedException reason) {
    String words = String.valueOf(reason.getMessage());
    Entry entry =
        new Entry(
            kind,
            name,
            reason instanceof NotWholeException whole
                ? whole.text()
                : words.replaceFirst("^(volume|device) " + Pattern.quote(name) + ": ", ""),
            reason instanceof NotWholeException whole ? whole.remedy() : remedy(kind, name));
    entries.put(name, entry); // the log has it as a warning of the server
  }

  private static String remedy(Kind kind, String name) {
    String retry = "put it right, then: anabranch volume retry " + name;
    return kind == Kind.MADE_DEVICE
        ? retry + ", or give it up: anabranch dm remove " + name
        : retry;
  }

  /** It is served now, or no longer configured. */
  public void remove(String name) {
    entries.remove(name);
  }

  /** Why it is left out; null if it is not. */
  public @Nullable Entry get(String name) {
    return entries.get(name);
  }

  /** All that is left out, by name. */
  public List<Entry> all() {
    return List.copyOf(entries.values());
  }

  @Override
  public List<Warning> warnings() {
    return entries.values().stream()
        .map(entry -> new Warning(entry.subject(), "it is not served: " + entry.text, entry.remedy))
        .toList();
  }
}
