// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import com.typesafe.config.ConfigList;
import com.typesafe.config.ConfigValue;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import org.anabranch.config.SourceLocation;
import org.anabranch.config.hooks.Hook;
import org.anabranch.config.hooks.HookCommand;
import org.anabranch.config.hooks.HookSettings;
import org.anabranch.config.hooks.HookSettings.OnFailure;
import org.anabranch.config.hooks.HooksConfig;
import org.jspecify.annotations.Nullable;

/** Reads {@code hooks}, of the server and of each volume: a volume's keys come before those. */
final class HooksReader {
  private static final int MAX_WORDS = 256;
  private static final int MAX_WORD = 4096;
  private static final ValueFormat<Duration> TIME_LIMIT =
      ValueFormat.duration(Duration.ofSeconds(1), Duration.ofHours(1));
  private static final ValueFormat<OnFailure> ON_FAILURE =
      ValueFormat.oneOf(
          List.of(OnFailure.values()),
          value -> value.name().toLowerCase(Locale.ROOT).replace('_', '-'));
  private static final ValueFormat<String> WORD =
      ValueFormat.of(
          "texts of at most " + MAX_WORD + " characters, the first one a program",
          text -> text.length() > MAX_WORD || text.indexOf('\0') >= 0 ? null : text);
  private static final ValueFormat<String> USER =
      ValueFormat.of(
          "the name of a user",
          text -> text.matches("[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}\\$?") ? text : null);
  private static final String VARIABLE = "[A-Za-z_][A-Za-z0-9_]{0,127}";

  /** The server's own: see {@link HookSettings}. */
  private static final String RESERVED = "ANABRANCH_";

  /** What a section says, before it is completed by another one. */
  private record Keys(HookSettings settings, boolean shell) {}

  private final Path baseDir;
  private final Keys server;
  private final SortedMap<String, HookSettings> volumes = new TreeMap<>();

  /** The place of each user and program that is given, by {@link HooksConfig#key}. */
  private final SortedMap<String, SourceLocation> places = new TreeMap<>();

  /**
   * @param baseDir that relative paths of programs are relative to
   * @param hooks the server's section
   */
  HooksReader(Path baseDir, Section hooks) {
    this.baseDir = baseDir;
    this.server = read("", hooks, new Keys(HookSettings.NONE, false));
  }

  /** Reads {@code hooks} of a volume, if it is there. */
  void volume(String name, Section volume) {
    if (volume.has("hooks")) {
      volumes.put(name, read(name, volume.section("hooks", Section.empty()), server).settings());
    }
  }

  /** All that was read. */
  HooksConfig hooks() {
    return new HooksConfig(server.settings(), volumes);
  }

  /** See {@code Configuration.locations}. */
  SortedMap<String, SourceLocation> locations() {
    return places;
  }

  private Keys read(String volume, Section section, Keys above) {
    boolean shell =
        Objects.requireNonNullElse(section.optional("shell", ValueFormat.BOOLEAN), above.shell());
    Map<Hook, HookCommand> commands = new EnumMap<>(Hook.class);
    commands.putAll(above.settings().commands());
    for (Hook hook : Hook.values()) {
      ConfigValue value = section.given(hook.key());
      if (value != null) {
        HookCommand command = command(section, hook.key(), value, shell);
        if (command == null) {
          commands.remove(hook);
        } else {
          commands.put(hook, command);
          places.put(HooksConfig.key(volume, hook.key()), section.location(hook.key()));
        }
      }
    }
    Duration limit =
        Objects.requireNonNullElse(
            section.optional("time-limit", TIME_LIMIT), above.settings().timeLimit());
    OnFailure onFailure =
        Objects.requireNonNullElse(
            section.optional("on-failure", ON_FAILURE), above.settings().onFailure());
    String user = section.optional("user", USER);
    if (user != null) {
      places.put(HooksConfig.key(volume, "user"), section.location("user"));
    }
    SortedMap<String, String> environment = new TreeMap<>(above.settings().environment());
    environment.putAll(environment(section.section("environment", Section.empty())));
    section.end();
    return new Keys(
        new HookSettings(
            commands, limit, onFailure, user == null ? above.settings().user() : user, environment),
        shell);
  }

  /** Null: an empty list, which takes away the server's program, or a problem. */
  private @Nullable HookCommand command(
      Section section, String key, ConfigValue value, boolean shell) {
    boolean isList = value instanceof ConfigList;
    List<String> words = new ArrayList<>(section.list(key, WORD));
    int written = value instanceof ConfigList list ? list.size() : 1;
    if (words.size() < written) {
      return null; // reported
    }
    if (written > MAX_WORDS) {
      section.problem(key, "found " + written + " texts", "at most " + MAX_WORDS);
      return null;
    }
    if (words.isEmpty()) {
      return null;
    }
    if (words.getFirst().isBlank()) {
      section.problem(key, "found no program", "a program and its arguments, [\"/path\", \"a\"]");
      return null;
    }
    if (shell) {
      if (words.size() > 1) {
        section.problem(
            key,
            "found " + words.size() + " texts beside shell = true",
            "one text, which /bin/sh runs; or shell = false");
        return null;
      }
      return new HookCommand(words, true);
    }
    if (!isList && words.getFirst().matches(".*\\s.*")) {
      section.problem(
          key,
          "found one text with blanks, and there is no shell that would split it",
          "a list [\"/path/to/program\", \"argument\"]; or shell = true beside it");
      return null;
    }
    String program = words.getFirst();
    if (program.contains("/")) {
      words.set(0, ConfigurationReader.path(baseDir, program).toString());
    }
    return new HookCommand(words, false);
  }

  private static SortedMap<String, String> environment(Section section) {
    SortedMap<String, String> environment = new TreeMap<>();
    for (String name : section.names()) {
      if (!name.matches(VARIABLE) || name.startsWith(RESERVED)) {
        section.problem(
            name,
            "not a variable that can be set",
            "letters, digits and '_', not beginning with a digit or with " + RESERVED);
        continue;
      }
      String value = section.optional(name, WORD);
      if (value != null) {
        environment.put(name, value);
      }
    }
    section.end();
    return environment;
  }
}
