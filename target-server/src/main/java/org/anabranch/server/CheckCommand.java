// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.anabranch.block.ThreadScheduler;
import org.anabranch.config.Configuration;
import org.anabranch.config.InitiatorPattern;
import org.anabranch.config.InvalidConfigurationException;
import org.anabranch.config.LunConfig;
import org.anabranch.config.TargetConfig;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.storage.Rehearsal;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code anabranch check}: what a configuration file means, or everything that is wrong with it.
 */
@Command(
    name = "check",
    description = "Check a configuration file, and show the LUNs and device tables it means.",
    mixinStandardHelpOptions = true)
final class CheckCommand implements Callable<Integer> {
  @Parameters(paramLabel = "FILE", description = "The configuration file.")
  private Path file;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws RefusedException, InvalidConfigurationException {
    Configuration configuration = Configuration.read(file);
    Rehearsal rehearsal = Rehearsal.of(configuration, new ThreadScheduler("scheduler"));
    PrintWriter out = spec.commandLine().getOut();
    configuration.portals().forEach(portal -> out.println("portal " + portal));
    configuration.targets().values().forEach(target -> print(out, target, configuration));
    rehearsal
        .tables()
        .forEach((name, table) -> table.lines().forEach(row -> out.println(name + ": " + row)));
    out.flush();
    if (!rehearsal.refusals().isEmpty()) {
      throw new RefusedException(String.join("\nanabranch: ", rehearsal.refusals()));
    }
    return 0;
  }

  private static void print(PrintWriter out, TargetConfig target, Configuration configuration) {
    String admitted = target.initiators().isEmpty() ? "anybody" : names(target.initiators());
    String from =
        target.addresses().isEmpty()
            ? ""
            : target.addresses().stream()
                .map(Object::toString)
                .collect(Collectors.joining(", ", " from ", ""));
    String proof =
        target.chap() == null
            ? ""
            : target.chap().mutual() == null ? " with CHAP" : " with mutual CHAP";
    out.println("target " + target.name() + " for " + admitted + from + proof);
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
    String size =
        volume.sectors() == 0
            ? ""
            : String.format(Locale.ROOT, ", %.1f GiB", volume.sectors() / (double) (1 << 21));
    return size
        + ", "
        + volume.blockSize()
        + "-byte blocks"
        + (volume.readOnly() ? ", read-only" : "");
  }

  private static String only(LunConfig lun) {
    return lun.initiators().isEmpty() ? "" : ", only for " + names(lun.initiators());
  }

  private static String names(java.util.List<InitiatorPattern> patterns) {
    return patterns.stream().map(InitiatorPattern::text).collect(Collectors.joining(", "));
  }
}
