// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.anabranch.config.reader.DataSize;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.verbs.volumes.VolumeCreateVerb;
import org.anabranch.server.terminal.ProgressBar;
import org.anabranch.server.terminal.Screen;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code anabranch volume create}. */
@Command(
    name = "create",
    description = {
      "Make a volume while the server runs: an empty one, a copy of a snapshot, or "
          + "one of a file (--path alone).",
      "Its image is sparse, readable by the server's user only (mode 0600), and "
          + "NAME.img in image-dir of the configuration unless --path says otherwise.",
      "A copy is made in the background, and is a volume when it is complete; volume "
          + "remove cancels it. One that a stop of the server interrupts is gone.",
      "The volume comes back at each start; volumes of the configuration file win "
          + "where both have the name. lun add shows it to initiators."
    },
    footer = {
      "",
      "Examples:",
      "  anabranch volume create vm4 --size 20GiB",
      "  anabranch volume create analysis --from vm1@monday --wait",
      "  anabranch volume create old --path /srv/old.img"
    },
    mixinStandardHelpOptions = true)
final class VolumeCreateCommand implements Callable<Integer> {
  @Parameters(paramLabel = "NEW", description = "The volume's name.")
  private String name = "";

  @Option(names = "--size", paramLabel = "SIZE", description = "Of an empty one, such as 20GiB.")
  private @Nullable String size;

  @Option(
      names = "--from",
      paramLabel = "VOLUME@NAME",
      description = "A snapshot whose contents it gets.")
  private @Nullable String from;

  @Option(
      names = "--path",
      paramLabel = "FILE",
      description = "Its image; made, or with neither --size nor --from as it is there.")
  private @Nullable Path path;

  @Option(
      names = "--block-size",
      paramLabel = "BYTES",
      description = "512 or 4096; as the snapshot's volume, or else as in volume-defaults.")
  private @Nullable Integer blockSize;

  @Option(
      names = "--physical-block-size",
      paramLabel = "BYTES",
      description =
          "What writes are best aligned to; as the snapshot's volume, or else as in volume-defaults.")
  private @Nullable Integer physicalBlockSize;

  @Option(
      names = "--read-only",
      negatable = true,
      description = "Initiators cannot write, or can; otherwise as in volume-defaults.")
  private @Nullable Boolean readOnly;

  @Option(
      names = "--removable",
      negatable = true,
      description = "The disk reports a removable medium, or not; otherwise as in volume-defaults.")
  private @Nullable Boolean removable;

  @Option(
      names = "--wait",
      description = "Show how far the copy is; may be interrupted, and the copy goes on.")
  private boolean wait;

  @Mixin private ServerOption server = new ServerOption();

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws RefusedException {
    if (size != null && from != null) {
      throw Usage.error(spec, "--size or --from, not both");
    }
    Long bytes = size == null ? null : DataSize.parse(size);
    if (size != null && (bytes == null || bytes <= 0 || bytes % 512 != 0)) {
      throw Usage.error(spec, "not a size in whole sectors: " + size + "; such as 20GiB");
    }
    VolumeCreateVerb.Arguments arguments =
        new VolumeCreateVerb.Arguments(
            name,
            bytes,
            from,
            path == null ? null : path.toAbsolutePath().normalize(),
            blockSize,
            physicalBlockSize,
            readOnly,
            removable,
            wait);
    Screen screen = Screen.on(server.out());
    Thread interrupted =
        new Thread(() -> screen.line("the copy goes on; volume list shows how far it is"));
    if (wait && !server.json()) {
      Runtime.getRuntime().addShutdownHook(interrupted);
    }
    VolumeCreateVerb.Result result;
    try {
      ProgressBar[] bar = new ProgressBar[1];
      result =
          server
              .client()
              .ask(
                  VolumeCreateVerb.CALL,
                  arguments,
                  state -> {
                    if (!server.json() && state.totalBytes() > 0) {
                      if (bar[0] == null) {
                        bar[0] = new ProgressBar(screen, "", state.totalBytes(), System::nanoTime);
                      }
                      bar[0].update(state.doneBytes());
                    }
                  });
    } finally {
      Runtime.getRuntime().removeShutdownHook(interrupted);
    }
    if (server.json()) {
      server.print(result, each -> "");
    } else {
      screen.line(
          result.copying()
              ? "volume "
                  + name
                  + " is being copied to "
                  + result.path()
                  + "; volume list shows how far it is"
              : "volume " + name + " made, with " + result.path());
    }
    return 0;
  }
}
