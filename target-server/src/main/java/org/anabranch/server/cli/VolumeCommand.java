// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import org.anabranch.config.reader.DataSize;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Json;
import org.anabranch.server.terminal.Screen;
import org.anabranch.server.terminal.Sizes;
import org.anabranch.server.terminal.TextTable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code anabranch volume}: the files that are served as disks. */
@Command(
    name = "volume",
    description = "Show volumes, or give one another size.",
    mixinStandardHelpOptions = true)
public final class VolumeCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw Usage.error(spec, "a command is missing");
  }

  @Command(
      name = "list",
      description = "Show volumes.",
      footer = {"", "Example:", "  anabranch volume list"},
      mixinStandardHelpOptions = true)
  int list(@Mixin ServerOption server) throws RefusedException {
    Map<String, Object> result = server.client().ask("volume list", Map.of(), p -> {});
    PrintWriter out = spec.commandLine().getOut();
    out.print(
        server.json()
            ? Json.pretty(result)
            : table(Json.objects(result, "volumes")).text(Screen.on(out).columns()));
    out.flush();
    return 0;
  }

  private static TextTable table(List<Map<?, ?>> volumes) {
    TextTable table = new TextTable("VOLUME", "SIZE", "BLOCK", "MODE", "FILE");
    for (Map<?, ?> volume : volumes) {
      table.row(
          volume.get("name"),
          leftOut(volume) ? "" : size(volume, "bytes"),
          volume.get("block-size"),
          leftOut(volume) ? "left out" : Boolean.TRUE.equals(volume.get("read-only")) ? "ro" : "rw",
          volume.get("path"));
    }
    return table;
  }

  @Command(
      name = "resize",
      description = {
        "Give a volume another size, for good.",
        "It grows under its initiators, which are told; Linux needs a rescan, as with",
        "echo 1 > /sys/block/sdX/device/rescan, and then resize2fs or the like."
      },
      footer = {
        "",
        "Examples:",
        "  anabranch volume resize vm1 40 GiB",
        "  anabranch volume resize vm1 +10 GiB"
      },
      mixinStandardHelpOptions = true)
  int resize(
      @Parameters(index = "0", paramLabel = "VOLUME") String volume,
      @Parameters(
              index = "1..*",
              arity = "1..*",
              paramLabel = "SIZE",
              description = "Such as 40 GiB; +10 GiB for that much more.")
          List<String> size,
      @Option(
              names = "--force",
              description = "Also a smaller one, when nobody is logged in: the end is lost.")
          boolean force,
      @Mixin ServerOption server)
      throws RefusedException {
    String words = String.join(" ", size);
    boolean more = words.startsWith("+");
    Long bytes = DataSize.parse(more ? words.substring(1) : words);
    if (bytes == null || bytes <= 0 || bytes % 512 != 0) {
      throw Usage.error(spec, "not a size in whole sectors: " + words + "; such as 40 GiB");
    }
    Map<String, Object> result =
        server
            .client()
            .ask(
                "volume resize",
                Map.of("volume", volume, "bytes", bytes, "more", more, "force", force),
                p -> {});
    PrintWriter out = spec.commandLine().getOut();
    out.print(
        server.json()
            ? Json.pretty(result)
            : "volume "
                + volume
                + ": "
                + size(result, "bytes-before")
                + " before, now "
                + size(result, "bytes")
                + "\n");
    out.flush();
    return 0;
  }

  @Command(
      name = "retry",
      description = {
        "Serve what was left out, now that it is mended.",
        "It covers volumes with their snapshots and LUNs, and devices. anabranch reload",
        "does the same."
      },
      footer = {
        "",
        "Exit status: 0 it is served, 1 it is not; the reason is printed.",
        "",
        "Example:",
        "  anabranch volume retry vm1"
      },
      mixinStandardHelpOptions = true)
  int retry(
      @Parameters(
              paramLabel = "NAME",
              arity = "0..1",
              description = "A volume or device; without it all that is left out.")
          @Nullable String name,
      @Mixin ServerOption server)
      throws RefusedException {
    return changes(server, "volume retry", name == null ? Map.of() : Map.of("volume", name));
  }

  @Command(
      name = "adopt",
      description = {
        "Say that the file at a volume's path is the volume's file, and serve it.",
        "The server refuses a file that is another one than before, or shorter, and",
        "makes no empty file where the volume's is missing; this command accepts it.",
        "Snapshots of the volume go on over this file. After a restore of other",
        "contents, remove them first (anabranch snapshot remove --force)."
      },
      footer = {"", "Example:", "  anabranch volume adopt vm1"},
      mixinStandardHelpOptions = true)
  int adopt(@Parameters(paramLabel = "VOLUME") String volume, @Mixin ServerOption server)
      throws RefusedException {
    return changes(server, "volume adopt", Map.of("volume", volume));
  }

  private int changes(ServerOption server, String verb, Map<String, ?> arguments)
      throws RefusedException {
    Map<String, Object> result = server.client().ask(verb, arguments, p -> {});
    PrintWriter out = spec.commandLine().getOut();
    if (server.json()) {
      out.print(Json.pretty(result));
    } else if (result.get("changes") instanceof List<?> lines) {
      if (lines.isEmpty()) {
        out.println("nothing has changed");
      }
      lines.forEach(out::println);
    }
    out.flush();
    return 0;
  }

  /** Whether a volume is left out: it has no size then, and no table. */
  static boolean leftOut(Map<?, ?> volume) {
    return "left-out".equals(volume.get("state"));
  }

  static String size(Map<?, ?> result, String key) {
    return result.get(key) instanceof Number n ? Sizes.bytes(n.doubleValue()) : "?";
  }
}
