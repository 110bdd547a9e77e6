// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigOrigin;
import com.typesafe.config.ConfigParseOptions;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.stream.Collectors;
import org.anabranch.config.Configuration;
import org.anabranch.config.DeviceConfig;
import org.anabranch.config.DiscoveryConfig;
import org.anabranch.config.HttpConfig;
import org.anabranch.config.InvalidConfigurationException;
import org.anabranch.config.IscsiConfig;
import org.anabranch.config.LimitsConfig;
import org.anabranch.config.LogConfig;
import org.anabranch.config.PeerLimitsConfig;
import org.anabranch.config.Portal;
import org.anabranch.config.SourceLocation;
import org.anabranch.config.StoresConfig;
import org.anabranch.config.TargetConfig;
import org.anabranch.config.VolumeConfig;
import org.anabranch.config.WriteCacheConfig;
import org.anabranch.config.schedule.ScheduleConfig;
import org.jspecify.annotations.Nullable;

/** Turns HOCON into a {@link Configuration}, collecting everything that is wrong on the way. */
final class ConfigurationReader {
  private static final String ROOT = "anabranch";
  private static final int MAX_LENGTH = (1 << 24) - 4; // DataSegmentLength has 24 bits

  private final String name;
  private final Problems problems;

  ConfigurationReader(String name) {
    this.name = name;
    this.problems = new Problems(name);
  }

  Configuration read(Path file) throws InvalidConfigurationException {
    Path absolute = file.toAbsolutePath().normalize();
    if (isStream(absolute)) {
      String text = readOnce(file);
      problems.check();
      return parse(text, Path.of("").toAbsolutePath());
    }
    String text = ConfigurationText.of(file, problem -> problems.add(0, problem));
    problems.check();
    Path folder = Objects.requireNonNull(absolute.getParent());
    IncludedFiles included = new IncludedFiles(folder, problems);
    return interpret(
        Objects.requireNonNull(text),
        file,
        included,
        () -> ConfigFactory.parseFile(file.toFile(), options(included).setAllowMissing(false)),
        folder);
  }

  /**
   * Whether it is something like {@code /dev/stdin} or what a shell makes of {@code <(command)}: it
   * can be read once only, and its folder means nothing.
   */
  private static boolean isStream(Path file) {
    return Files.exists(file)
        && !Files.isDirectory(file)
        && (!Files.isRegularFile(file) || file.startsWith("/dev") || file.startsWith("/proc"));
  }

  private String readOnce(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(ConfigurationText.MAX_BYTES + 1);
      if (bytes.length > ConfigurationText.MAX_BYTES) {
        problems.add(0, "larger than " + ValueFormat.bytes(ConfigurationText.MAX_BYTES));
        return "";
      }
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (IOException e) {
      problems.add(0, FileReason.of(e));
      return "";
    }
  }

  Configuration parse(String text, Path baseDir) throws InvalidConfigurationException {
    IncludedFiles included = new IncludedFiles(baseDir, problems);
    return interpret(
        text, null, included, () -> ConfigFactory.parseString(text, options(included)), baseDir);
  }

  private ConfigParseOptions options(IncludedFiles included) {
    return ConfigParseOptions.defaults().setOriginDescription(name).setIncluder(included);
  }

  private interface Parse {
    Config run() throws ConfigException;
  }

  private Configuration interpret(
      String text, @Nullable Path main, IncludedFiles included, Parse parse, Path baseDir)
      throws InvalidConfigurationException {
    ConfigObject root = Section.empty();
    try {
      root = parse.run().resolve().root();
      for (RepeatedKeys.Repeat repeat : RepeatedKeys.in(text)) {
        problems.addIn(name, repeat);
      }
      included.checkRepeats(name, text);
    } catch (ConfigException e) {
      report(e, text, included);
    } catch (StackOverflowError e) {
      problems.add(0, "nested too deeply");
    }
    if (root.isEmpty()) {
      problems.check();
    }
    ReadableSecrets.warn(root, main, problems);
    Section file = new Section(root, Section.empty(), "", problems);
    if (!file.has(ROOT)) {
      file.problem("no " + ROOT + " { ... } in it", "");
    }
    Section top = file.section(ROOT, Section.objectIn(reference().root(), ROOT));
    file.end();
    Configuration configuration = configuration(top, baseDir, main, included.files(root));
    problems.check();
    return configuration;
  }

  /** Reports what the parser stumbled over, in the file where it did. */
  private void report(ConfigException e, String text, IncludedFiles included) {
    ConfigOrigin origin = e.origin();
    int line = origin == null ? 0 : Math.max(0, origin.lineNumber());
    String filename = origin == null ? null : origin.filename();
    String other = filename == null ? null : included.text(filename);
    String source = other == null ? text : other;
    String file = filename == null ? name : filename;
    String quotes = MissingQuotes.hint(source, line);
    UnclosedBracket open = UnclosedBracket.in(source);
    if (!quotes.isEmpty()) {
      problems.addIn(file, line, quotes);
    } else if (open != null) {
      problems.addIn(file, open.line(), open.message());
    } else {
      String reason = reason(e);
      problems.addIn(file, line, source.contains("secret") ? withoutQuotes(reason) : reason);
    }
  }

  /** The parser quotes what it stumbles over, which may be a secret. */
  private static String withoutQuotes(String reason) {
    return reason.replaceAll("(?s)'[^']{3,}'", "'...'").replaceAll("(?s)\"[^\"]{3,}\"", "\"...\"");
  }

  /** The parser's message without the origin that it begins with: we print that ourselves. */
  private static String reason(ConfigException e) {
    String message = Objects.requireNonNullElse(e.getMessage(), e.toString());
    ConfigOrigin origin = e.origin();
    String prefix = origin == null ? "" : origin.description() + ": ";
    return message.startsWith(prefix) ? message.substring(prefix.length()) : message;
  }

  static Config reference() {
    try (InputStream in =
        Objects.requireNonNull(
            Configuration.class.getResourceAsStream("reference.conf"), "reference.conf")) {
      return ConfigFactory.parseReader(new InputStreamReader(in, StandardCharsets.UTF_8)).resolve();
    } catch (IOException e) {
      throw new IllegalStateException("reference.conf", e);
    }
  }

  private Configuration configuration(
      Section top, Path baseDir, @Nullable Path main, Set<Path> included) {
    List<Portal> portals = PortalReader.portals(top);
    String state = top.withDefault("state-dir", ValueFormat.PATH);
    HooksReader hooks = new HooksReader(baseDir, top.section("hooks"));
    VolumeReader volumeReader = new VolumeReader(baseDir, top, hooks);
    String images = top.optional("image-dir", ValueFormat.PATH);
    SortedMap<String, VolumeConfig> volumes = volumeReader.volumes();
    SortedMap<String, DeviceConfig> devices = volumeReader.devices();
    ChapReader chap = new ChapReader(baseDir);
    Section targets = top.section("targets");
    Set<String> names = new HashSet<>(volumeReader.names());
    SortedMap<String, TargetConfig> nodes =
        new TargetReader(targets, portals, names, chap).targets();
    SortedMap<String, ScheduleConfig> schedules =
        new ScheduleReader(top.section("snapshots"), volumes.keySet(), devices.keySet())
            .schedules();
    DiscoveryConfig discovery = discovery(top.section("discovery"), chap);
    StoresConfig stores = stores(top.section("stores"));
    WriteCacheConfig writeCache = writeCache(top.section("write-cache"), baseDir);
    HttpConfig http = HttpReader.http(top.section("http"));
    Duration mergeGrace =
        top.withDefault("merge-grace", ValueFormat.duration(Duration.ZERO, Duration.ofDays(365)));
    LimitsConfig limits = limits(top.section("limits"));
    IscsiConfig iscsi = iscsi(top.section("iscsi"));
    LogConfig log = log(top.section("log"));
    String controlGroup = top.optional("control-group", ValueFormat.GROUP);
    if (!top.has("targets")) {
      top.warn(
          "targets",
          "there are none: no initiator can log in",
          "targets { \"iqn...\" { luns { 0 = NAME } } }");
    }
    top.end();
    return new Configuration(
        portals,
        path(baseDir, state),
        baseDir,
        images == null ? path(baseDir, state).resolve("images") : path(baseDir, images),
        volumeReader.defaults(),
        volumes,
        devices,
        locations(volumeReader, hooks),
        nodes,
        discovery,
        stores,
        writeCache,
        http,
        mergeGrace,
        hooks.hooks(),
        schedules,
        limits,
        iscsi,
        log,
        controlGroup,
        files(main, included, chap),
        problems.warnings());
  }

  /** What this configuration was read from. */
  private static Set<Path> files(@Nullable Path main, Set<Path> included, ChapReader chap) {
    Set<Path> files = new HashSet<>(included);
    files.addAll(chap.files());
    if (main != null) {
      files.add(main);
    }
    return files.stream()
        .map(file -> file.toAbsolutePath().normalize())
        .collect(Collectors.toUnmodifiableSet());
  }

  private static SortedMap<String, SourceLocation> locations(
      VolumeReader volumes, HooksReader hooks) {
    SortedMap<String, SourceLocation> locations = volumes.locations();
    locations.putAll(hooks.locations());
    return locations;
  }

  static Path path(Path baseDir, String text) {
    return baseDir.resolve(text).toAbsolutePath().normalize();
  }

  private static DiscoveryConfig discovery(Section discovery, ChapReader chap) {
    DiscoveryConfig config =
        new DiscoveryConfig(
            chap.users(discovery),
            discovery.withDefault(
                "idle-timeout", ValueFormat.duration(Duration.ofSeconds(1), Duration.ofDays(7))));
    discovery.end();
    return config;
  }

  private static StoresConfig stores(Section stores) {
    Section autoextend = stores.section("autoextend");
    StoresConfig config =
        new StoresConfig(
            autoextend.withDefault("enabled", ValueFormat.BOOLEAN),
            autoextend.withDefault("threshold", ValueFormat.integer(50, 99)),
            autoextend.withDefault("step", ValueFormat.size(64 << 10, 1L << 50, 4096)),
            autoextend.withDefault("limit", ValueFormat.size(0, 1L << 60, 4096)),
            stores.withDefault("warn-below", ValueFormat.size(0, 1L << 60, 1)),
            stores.optional("pool", VolumeReader.POOL));
    autoextend.end();
    stores.end();
    return config;
  }

  private static WriteCacheConfig writeCache(Section cache, Path baseDir) {
    String path = cache.optional("path", ValueFormat.PATH);
    WriteCacheConfig config =
        new WriteCacheConfig(
            cache.withDefault("size", ValueFormat.size(0, 16L << 30, 1 << 20)),
            path == null ? null : path(baseDir, path));
    cache.end();
    return config;
  }

  private static LimitsConfig limits(Section limits) {
    LimitsConfig config =
        new LimitsConfig(
            limits.withDefault("sessions", ValueFormat.integer(1, 65535)),
            limits.withDefault("connections", ValueFormat.integer(1, 100_000)),
            limits.withDefault("silent-connections", ValueFormat.integer(1, 100_000)),
            new PeerLimitsConfig(
                limits.withDefault("connections-per-address", ValueFormat.integer(1, 100_000)),
                limits.withDefault("connections-before-login", ValueFormat.integer(1, 100_000)),
                limits.withDefault("login-burst", ValueFormat.integer(1, 100_000)),
                limits.withDefault("login-rate", ValueFormat.integer(1, 100_000)),
                limits.withDefault("sessions-per-initiator", ValueFormat.integer(1, 65535)),
                limits.withDefault("discovery-sessions", ValueFormat.integer(1, 65535)),
                limits.withDefault("unsent", ValueFormat.size(1L << 20, 1L << 40, 1))),
            limits.withDefault("queue-depth", ValueFormat.integer(1, 4096)),
            limits.withDefault("memory", ValueFormat.size(64L << 20, 1L << 40, 1)),
            limits.withDefault("control-commands", ValueFormat.integer(1, 1024)),
            limits.withDefault("control-waiting", ValueFormat.integer(1, 4096)));
    if (config.connections() < config.sessions()) {
      limits.problem(
          "connections",
          "found " + config.connections(),
          "no fewer than the " + config.sessions() + " sessions");
    }
    limits.end();
    return config;
  }

  private static IscsiConfig iscsi(Section iscsi) {
    ValueFormat<Duration> patience =
        ValueFormat.duration(Duration.ofSeconds(1), Duration.ofHours(24));
    IscsiConfig config =
        new IscsiConfig(
            iscsi.withDefault(
                "login-timeout",
                ValueFormat.duration(Duration.ofSeconds(1), Duration.ofMinutes(10))),
            iscsi.withDefault("keepalive-interval", patience),
            iscsi.withDefault("keepalive-timeout", patience),
            iscsi.withDefault("send-timeout", patience),
            iscsi.withDefault("max-recv-data-segment-length", length(8192)),
            iscsi.withDefault("max-burst-length", length(262144)),
            iscsi.withDefault("first-burst-length", length(65536)),
            iscsi.withDefault("max-outstanding-r2t", ValueFormat.integer(1, 65535)));
    if (config.firstBurstLength() > config.maxBurstLength()) {
      iscsi.problem(
          "first-burst-length",
          "found " + ValueFormat.bytes(config.firstBurstLength()),
          "no more than max-burst-length, " + ValueFormat.bytes(config.maxBurstLength()));
    }
    iscsi.end();
    return config;
  }

  private static LogConfig log(Section log) {
    LogConfig config =
        new LogConfig(
            log.withDefault("format", word(LogConfig.Format.values())),
            log.withDefault("level", word(LogConfig.Level.values())));
    log.end();
    return config;
  }

  /** One of these, in lower case. */
  private static <T extends Enum<T>> ValueFormat<T> word(T[] values) {
    return ValueFormat.oneOf(List.of(values), value -> value.name().toLowerCase(Locale.ROOT));
  }

  /** A length in bytes that negotiation can express, whole words. */
  private static ValueFormat<Integer> length(int min) {
    ValueFormat<Long> size = ValueFormat.size(min, MAX_LENGTH, 4);
    return ValueFormat.of(
        size.allowed(),
        text -> {
          Long bytes = size.reader().apply(text);
          return bytes == null ? null : bytes.intValue();
        });
  }

  /** For a reader's caller that has nothing better than "is it there". */
  static boolean isTrue(@Nullable Boolean value) {
    return value != null && value;
  }
}
