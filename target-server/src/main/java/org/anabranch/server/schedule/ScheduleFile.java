// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.schedule;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigSyntax;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValueFactory;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.schedule.ScheduleHistory.LastRun;
import org.anabranch.server.schedule.ScheduleHistory.Result;
import org.anabranch.server.state.DurableFile;
import org.anabranch.server.state.DurableSteps;
import org.anabranch.server.state.StateDirectory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code schedules.json}: what is remembered of each schedule. Which snapshot belongs to which
 * schedule is in {@code state.json}, written with the snapshot itself. One thread at a time.
 */
final class ScheduleFile {
  private static final Logger LOG = LoggerFactory.getLogger(ScheduleFile.class);
  private static final int VERSION = 1;
  private static final int MAX_BYTES = 16 << 20;

  /** Seconds: a thousand years, as much as time can be added to an instant without a thought. */
  private static final long MAX_EVERY = Duration.ofDays(365_250).toSeconds();

  private final DurableFile file;

  /**
   * @param folder the state directory
   * @param steps is notified of each step of {@link #write}
   */
  ScheduleFile(Path folder, DurableSteps steps) {
    this.file = new DurableFile(folder.resolve("schedules.json"), steps);
  }

  /**
   * Reads the file. One that is damaged is put aside: then schedules begin as new ones do, and
   * their snapshots are still theirs.
   */
  SortedMap<String, ScheduleHistory> read() throws RefusedException {
    try {
      return file.exists() ? parse(file.read(MAX_BYTES)) : new TreeMap<>();
    } catch (CharacterCodingException e) {
      return putAside("it is no UTF-8");
    } catch (IOException e) {
      throw new RefusedException(file.path() + ": " + StateDirectory.reason(e), e);
    } catch (ConfigException | DateTimeException | IllegalArgumentException e) {
      return putAside(String.valueOf(e.getMessage()));
    } catch (StackOverflowError e) {
      return putAside("it is nested too deeply");
    }
  }

  /** What the file says; nothing is changed, and a damaged one is an empty one. */
  static SortedMap<String, ScheduleHistory> look(Path folder) {
    try {
      ScheduleFile found = new ScheduleFile(folder, DurableSteps.UNWATCHED);
      return found.file.exists() ? parse(found.file.read(MAX_BYTES)) : new TreeMap<>();
    } catch (IOException
        | ConfigException
        | DateTimeException
        | IllegalArgumentException
        | StackOverflowError e) {
      LOG.debug("{}: schedules.json cannot be read", folder, e);
      return new TreeMap<>();
    }
  }

  private SortedMap<String, ScheduleHistory> putAside(String reason) throws RefusedException {
    Path aside = file.path().resolveSibling("schedules.json.damaged");
    try {
      Files.move(file.path(), aside, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new RefusedException(file.path() + ": " + StateDirectory.reason(e), e);
    }
    LOG.error(
        "{} is damaged and was put aside as {}: {}; no missed snapshot is taken at this start",
        file.path(),
        aside,
        reason);
    return new TreeMap<>();
  }

  private static SortedMap<String, ScheduleHistory> parse(String text) {
    Config root =
        ConfigFactory.parseString(text, ConfigParseOptions.defaults().setSyntax(ConfigSyntax.JSON));
    if (root.getInt("version") != VERSION) {
      throw new IllegalArgumentException("it has version " + root.getInt("version"));
    }
    SortedMap<String, ScheduleHistory> found = new TreeMap<>();
    for (String name : root.getObject("schedules").keySet()) {
      Config entry = root.getConfig(ConfigUtil.joinPath("schedules", name));
      long every = entry.getLong("every-seconds");
      long offset = entry.getLong("offset-seconds");
      if (every < 1 || every > MAX_EVERY || offset < 0 || offset >= every) {
        throw new IllegalArgumentException("schedule " + name + " is due every " + every + " s");
      }
      LastRun last =
          !entry.hasPath("result")
              ? null
              : new LastRun(
                  instant(entry, "due"),
                  instant(entry, "ended"),
                  Result.valueOf(entry.getString("result").toUpperCase(Locale.ROOT)),
                  entry.getString("text"));
      found.put(
          name,
          new ScheduleHistory(
              new Recurrence(Duration.ofSeconds(every), Duration.ofSeconds(offset)),
              instant(entry, "done"),
              entry.getLong("run"),
              last,
              entry.hasPath("paused") && entry.getBoolean("paused")));
    }
    return found;
  }

  /** An instant of the years 1 to 9999: others were not written by this server. */
  private static Instant instant(Config entry, String key) {
    Instant found = Instant.parse(entry.getString(key));
    int year = found.atOffset(ZoneOffset.UTC).getYear();
    if (year < 1 || year > 9999) {
      throw new IllegalArgumentException(key + " is " + found);
    }
    return found;
  }

  /** Replaces what is remembered. Durable when this returns. */
  void write(SortedMap<String, ScheduleHistory> histories) throws RefusedException {
    Map<String, Object> schedules = new LinkedHashMap<>();
    histories.forEach((name, history) -> schedules.put(name, entry(history)));
    Map<String, Object> root = Map.of("version", VERSION, "schedules", schedules);
    try {
      file.write(ConfigValueFactory.fromMap(root).render(ConfigRenderOptions.concise()) + "\n");
      file.keepRoom();
    } catch (IOException e) {
      throw new RefusedException(
          file.path() + " cannot be written: " + StateDirectory.reason(e), e);
    }
  }

  private static Map<String, Object> entry(ScheduleHistory history) {
    Map<String, Object> entry = new LinkedHashMap<>();
    entry.put("every-seconds", history.recurrence().every().toSeconds());
    entry.put("offset-seconds", history.recurrence().offset().toSeconds());
    entry.put("done", history.done().toString());
    entry.put("run", history.run());
    if (history.paused()) {
      entry.put("paused", true);
    }
    LastRun last = history.last();
    if (last != null) {
      entry.put("due", last.due().toString());
      entry.put("ended", last.ended().toString());
      entry.put("result", last.result().name().toLowerCase(Locale.ROOT));
      entry.put("text", last.text());
    }
    return entry;
  }
}
