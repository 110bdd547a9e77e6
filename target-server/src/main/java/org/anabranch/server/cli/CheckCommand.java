// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.anabranch.block.ThreadScheduler;
import org.anabranch.config.Configuration;
import org.anabranch.config.InvalidConfigurationException;
import org.anabranch.config.LunConfig;
import org.anabranch.config.Problem;
import org.anabranch.config.TargetConfig;
import org.anabranch.config.VolumeConfig;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.config.schedule.ScheduleConfig;
import org.anabranch.naming.InitiatorPattern;
import org.anabranch.server.base.MadeAtRunTime;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.cache.WriteCaches;
import org.anabranch.server.control.Json;
import org.anabranch.server.control.verbs.rates.LimitsEntry;
import org.anabranch.server.exports.receive.LeftStreams;
import org.anabranch.server.hooks.HookRules;
import org.anabranch.server.rate.VolumeRates;
import org.anabranch.server.schedule.Schedules;
import org.anabranch.server.serve.StandardBackends;
import org.anabranch.server.snapshots.device.Inspection;
import org.anabranch.server.storage.Rehearsal;
import org.anabranch.server.storage.StackedLuns;
import org.anabranch.server.storage.file.StoresAsImages;
import org.anabranch.server.terminal.Sizes;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code anabranch check}: what a configuration file means, or everything that is wrong with it.
 */
@Command(
    name = "check",
    description = {
      "Check a configuration file, and show the LUNs and device tables it means.",
      "What a server would leave out now, because a volume's file or a snapshot's store",
      "is missing, replaced or damaged, is printed on standard error."
    },
    footer = {
      "",
      "Exit status: 0 all is well, 1 something would be left out, 2 the file has errors.",
      "",
      "Example:",
      "  anabranch check /etc/anabranch.conf"
    },
    mixinStandardHelpOptions = true)
public final class CheckCommand implements Callable<Integer> {
  @Parameters(paramLabel = "FILE", description = "The configuration file.")
  private Path file;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws InvalidConfigurationException, RefusedException {
    Configuration configuration = ConfigurationFile.read(file);
    ThreadScheduler scheduler = new ThreadScheduler("scheduler");
    Rehearsal withoutImages =
        Rehearsal.regardlessOfImages(configuration, StandardBackends.all(), scheduler);
    List<Problem> problems = new ArrayList<>(withoutImages.problems());
    problems.addAll(HookRules.problems(configuration));
    if (!problems.isEmpty()) {
      throw new InvalidConfigurationException(problems);
    }
    Rehearsal rehearsal = Rehearsal.of(configuration, StandardBackends.all(), scheduler);
    PrintWriter err = spec.commandLine().getErr();
    configuration.warnings().forEach(warning -> err.println("warning: " + warning));
    groupWarning(configuration.controlGroup()).ifPresent(err::println);
    MadeAtRunTime made = Inspection.made(configuration);
    Configuration whole = made.over(configuration);
    StackedLuns.of(whole).forEach(warning -> err.println("warning: " + warning));
    StoresAsImages.of(whole).forEach(warning -> err.println("warning: " + warning));
    made.without(configuration).forEach(warning -> err.println("warning: " + warning));
    HookRules.warnings(configuration).forEach(warning -> err.println("warning: " + warning));
    new LeftStreams(configuration.stateDir())
        .warnings(whole.volumes().keySet(), Set.of())
        .forEach(warning -> err.println("warning: " + warning));
    err.flush();
    List<String> leftOut = leftOut(whole, rehearsal);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.print(Json.pretty(json(configuration, rehearsal, leftOut)));
    } else {
      configuration.portals().forEach(portal -> out.println("portal " + portal));
      configuration.targets().values().forEach(target -> print(out, target, configuration));
      rehearsal
          .tables()
          .forEach((name, table) -> table.lines().forEach(row -> out.println(name + ": " + row)));
      whole
          .volumes()
          .forEach((name, volume) -> {
            if (!volume.limits().isNone()) {
              out.println("limits of " + name + ": " + limits(volume));
            }
          });
      if (configuration.writeCache().size() > 0) {
        out.println(
            "write cache: "
                + Sizes.exact(configuration.writeCache().size())
                + " in "
                + WriteCaches.path(configuration.writeCache(), configuration.stateDir()));
      }
      HookRules.meaning(configuration).forEach(out::println);
      schedules(configuration)
          .forEach((name, next) ->
              out.println(
                  schedule(Objects.requireNonNull(configuration.schedules().get(name)))
                      + (next.paused() ? ", paused" : ", next at " + next.next())));
    }
    out.flush();
    leftOut.forEach(line -> spec.commandLine().getErr().println("would be left out: " + line));
    spec.commandLine().getErr().flush();
    return leftOut.isEmpty() ? 0 : 1;
  }

  private static String limits(VolumeConfig volume) {
    return VolumeLimitCommand.text(LimitsEntry.of(new VolumeRates.InForce(volume.limits(), true)));
  }

  /** The server goes on without a group that does not exist, and so this is no error. */
  private static Optional<String> groupWarning(@Nullable String group) {
    if (group == null) {
      return Optional.empty();
    }
    try {
      var _ =
          FileSystems.getDefault()
              .getUserPrincipalLookupService()
              .lookupPrincipalByGroupName(group);
      return Optional.empty();
    } catch (UserPrincipalNotFoundException e) {
      return Optional.of("warning: control-group: there is no group " + group + " on this machine");
    } catch (IOException e) {
      return Optional.of("warning: control-group " + group + ": " + e.getMessage());
    }
  }

  /** A line for each volume and device that a server would leave out now. */
  private static List<String> leftOut(Configuration configuration, Rehearsal rehearsal)
      throws RefusedException {
    List<String> lines = new ArrayList<>(Inspection.of(configuration, StandardBackends.all()));
    Map<String, Problem> problems = new LinkedHashMap<>(rehearsal.problemsByName());
    problems
        .keySet()
        .removeIf(
            name -> lines.stream().anyMatch(line -> line.startsWith("volume " + name + ": ")));
    problems.values().forEach(problem -> lines.add(problem.toString()));
    return lines;
  }

  private static Map<String, ?> json(
      Configuration configuration, Rehearsal rehearsal, List<String> leftOut) {
    return Map.of(
        "portals",
        configuration.portals().stream().map(Object::toString).toList(),
        "targets",
        configuration.targets().values().stream()
            .map(target -> json(target, configuration))
            .toList(),
        "left-out",
        leftOut,
        "write-cache",
        Map.of(
            "size",
            configuration.writeCache().size(),
            "path",
            WriteCaches.path(configuration.writeCache(), configuration.stateDir()).toString()),
        "schedules",
        schedules(configuration).entrySet().stream()
            .map(each ->
                json(
                    Objects.requireNonNull(configuration.schedules().get(each.getKey())),
                    each.getValue()))
            .toList(),
        "tables",
        rehearsal.tables().entrySet().stream()
            .map(table -> Map.of("name", table.getKey(), "table", table.getValue()))
            .toList());
  }

  /** When each schedule is due next. */
  private static SortedMap<String, Schedules.Preview> schedules(Configuration configuration) {
    return Schedules.preview(configuration.schedules(), configuration.stateDir(), Instant.now());
  }

  private static String schedule(ScheduleConfig schedule) {
    return "schedule "
        + schedule.name()
        + ": snapshots of "
        + String.join(", ", schedule.volumes())
        + " every "
        + SnapshotTable.time(schedule.every())
        + ", the newest "
        + schedule.keep()
        + " are kept";
  }

  private static Map<String, ?> json(ScheduleConfig schedule, Schedules.Preview next) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", schedule.name());
    json.put("volumes", schedule.volumes());
    json.put("every-seconds", schedule.every().toSeconds());
    json.put("keep", schedule.keep());
    json.put("next", next.next().toString());
    json.put("paused", next.paused());
    return json;
  }

  private static Map<String, ?> json(TargetConfig target, Configuration configuration) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", target.name());
    json.put(
        "initiators", target.access().initiators().stream().map(InitiatorPattern::text).toList());
    json.put("addresses", target.access().addresses().stream().map(Object::toString).toList());
    json.put("chap", !target.chap().isEmpty());
    json.put("mutual-chap", target.chap().stream().anyMatch(user -> user.mutual() != null));
    json.put("luns", target.luns().values().stream().map(lun -> json(lun, configuration)).toList());
    return json;
  }

  private static Map<String, ?> json(LunConfig lun, Configuration configuration) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("number", lun.number());
    json.put("device", lun.device());
    json.put("read-only", lun.readOnly() || isReadOnly(lun, configuration));
    json.put("initiators", lun.initiators().stream().map(InitiatorPattern::text).toList());
    return json;
  }

  private static boolean isReadOnly(LunConfig lun, Configuration configuration) {
    VolumeConfig volume = configuration.volumes().get(lun.device());
    return volume != null && volume.readOnly();
  }

  private static void print(PrintWriter out, TargetConfig target, Configuration configuration) {
    String admitted =
        target.access().initiators().isEmpty() ? "anybody" : names(target.access().initiators());
    String from =
        target.access().addresses().isEmpty()
            ? ""
            : target.access().addresses().stream()
                .map(Object::toString)
                .collect(Collectors.joining(", ", " from ", ""));
    String proof =
        target.chap().isEmpty()
            ? ""
            : target.chap().stream().anyMatch(user -> user.mutual() != null)
                ? " with mutual CHAP"
                : " with CHAP";
    out.println("target " + target.name() + " for " + admitted + from + proof);
    if (target.luns().isEmpty()) {
      out.println("  no LUNs");
    }
    for (LunConfig lun : target.luns().values()) {
      String[] notes = {size(configuration, lun), lun.readOnly() ? ", read-only" : "", only(lun)};
      out.println("  lun " + lun.number() + ": " + lun.device() + String.join("", notes));
    }
  }

  private static String size(Configuration configuration, LunConfig lun) {
    VolumeConfig volume = configuration.volumes().get(lun.device());
    if (volume == null) {
      return "";
    }
    String size = volume.sectors() == 0 ? "" : ", " + Sizes.exact(volume.sectors() * 512);
    return size
        + ", "
        + volume.blockSize()
        + "-byte blocks"
        + (volume.readOnly() ? ", read-only" : "");
  }

  private static String only(LunConfig lun) {
    return lun.initiators().isEmpty() ? "" : ", only for " + names(lun.initiators());
  }

  private static String names(List<InitiatorPattern> patterns) {
    return patterns.stream().map(InitiatorPattern::text).collect(Collectors.joining(", "));
  }
}
