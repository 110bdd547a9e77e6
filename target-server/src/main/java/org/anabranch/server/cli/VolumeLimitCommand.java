// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.anabranch.config.reader.DataSize;
import org.anabranch.config.reader.TimeSpan;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.verbs.rates.LimitsEntry;
import org.anabranch.server.control.verbs.rates.VolumeLimitVerb;
import org.anabranch.server.terminal.Sizes;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code volume limit}. */
@Command(
    name = "limit",
    description = {
      "Limit how much initiators do with a volume in a second.",
      "It takes effect at once. For a volume that volume create made it is kept over",
      "restarts. For a volume of the configuration file it lasts until the server",
      "stops or a reload changes the volume's limits: what is to stay belongs there.",
      "An option that is not given leaves its limit as it is; 0 removes it. Sessions",
      "get equal shares."
    },
    footer = {
      "",
      "Examples:",
      "  anabranch volume limit vm1 --iops 500 --bytes-per-second 50MB",
      "  anabranch volume limit vm1 --write-iops 100 --burst 5s",
      "  anabranch volume limit vm1 none",
      "  anabranch volume limit vm1 configured"
    },
    mixinStandardHelpOptions = true)
final class VolumeLimitCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "VOLUME")
  private String volume = "";

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "none|configured",
      description = "First remove all limits, or restore those of the configuration.")
  private @Nullable String first;

  @Option(names = "--iops", paramLabel = "N", description = "Commands that read or write.")
  private @Nullable Long iops;

  @Option(names = "--read-iops", paramLabel = "N", description = "Commands that read.")
  private @Nullable Long readIops;

  @Option(names = "--write-iops", paramLabel = "N", description = "Commands that write.")
  private @Nullable Long writeIops;

  @Option(
      names = "--bytes-per-second",
      paramLabel = "SIZE",
      description = "Read and written, such as 50MB.")
  private @Nullable String bytes;

  @Option(names = "--read-bytes-per-second", paramLabel = "SIZE", description = "Read.")
  private @Nullable String readBytes;

  @Option(names = "--write-bytes-per-second", paramLabel = "SIZE", description = "Written.")
  private @Nullable String writeBytes;

  @Option(
      names = "--burst",
      paramLabel = "TIME",
      description = "What was not used for so long may be used at once; 10ms to 1h.")
  private @Nullable String burst;

  @Mixin private ServerOption server = new ServerOption();

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws RefusedException {
    if (first != null && !first.equals("none") && !first.equals("configured")) {
      throw Usage.error(spec, "neither none nor configured: " + first);
    }
    if (first == null
        && burst == null
        && iops == null
        && readIops == null
        && writeIops == null
        && bytes == null
        && readBytes == null
        && writeBytes == null) {
      throw Usage.error(spec, "no limit is given; volume list shows those in force");
    }
    return server.show(
        VolumeLimitVerb.CALL,
        new VolumeLimitVerb.Arguments(
            volume,
            "none".equals(first),
            "configured".equals(first),
            iops,
            readIops,
            writeIops,
            size(bytes),
            size(readBytes),
            size(writeBytes),
            millis(burst)),
        result -> "volume " + volume + ": " + text(result.limits()) + "\n");
  }

  private @Nullable Long size(@Nullable String text) {
    if (text == null) {
      return null;
    }
    Long size = DataSize.parse(text.replaceFirst("/s$", ""));
    if (size == null) {
      throw Usage.error(spec, "not a rate: " + text + "; such as 50MB/s or 64 MiB/s");
    }
    return size;
  }

  private @Nullable Long millis(@Nullable String text) {
    if (text == null) {
      return null;
    }
    Duration time = TimeSpan.parse(text);
    if (time == null) {
      throw Usage.error(spec, "not a time: " + text + "; such as 500ms or 5s");
    }
    return time.toMillis();
  }

  /** Such as {@code 500 iops, 64 MiB/s of writes}. */
  static String text(@Nullable LimitsEntry limits) {
    List<String> parts = new ArrayList<>();
    if (limits != null) {
      commands(parts, limits.iops(), " iops");
      commands(parts, limits.readIops(), " read iops");
      commands(parts, limits.writeIops(), " write iops");
      bytes(parts, limits.bytesPerSecond(), "/s");
      bytes(parts, limits.readBytesPerSecond(), "/s read");
      bytes(parts, limits.writeBytesPerSecond(), "/s written");
    }
    return parts.isEmpty() ? "no limits" : String.join(", ", parts);
  }

  private static void commands(List<String> parts, long limit, String words) {
    if (limit != 0) {
      parts.add(limit + words);
    }
  }

  private static void bytes(List<String> parts, long limit, String words) {
    if (limit != 0) {
      parts.add(rate(limit) + words);
    }
  }

  /** In the largest unit that divides it, of those that whoever configured it may have used. */
  private static String rate(long limit) {
    String[] units = {"GB", "MB", "kB"};
    long[] lengths = {1_000_000_000, 1_000_000, 1000};
    for (int i = 0; i < units.length; i++) {
      if (limit % lengths[i] == 0) {
        return limit / lengths[i] + " " + units[i];
      }
    }
    return Sizes.exact(limit);
  }
}
