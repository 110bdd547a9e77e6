// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.anabranch.config.reader.DataSize;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.verbs.VolumeAdoptVerb;
import org.anabranch.server.control.verbs.VolumeEntry;
import org.anabranch.server.control.verbs.VolumeListVerb;
import org.anabranch.server.control.verbs.VolumeResizeVerb;
import org.anabranch.server.control.verbs.VolumeRetryVerb;
import org.anabranch.server.control.verbs.VolumeTakeOverVerb;
import org.anabranch.server.control.verbs.volumes.VolumeRemoveVerb;
import org.anabranch.server.control.verbs.volumes.VolumeRenameVerb;
import org.anabranch.server.terminal.Screen;
import org.anabranch.server.terminal.Sizes;
import org.anabranch.server.terminal.TextTable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code anabranch volume}: the files that are served as disks. */
@Command(
    name = "volume",
    description = "Show, make and remove volumes, give one another size or name, or limit its use.",
    mixinStandardHelpOptions = true,
    subcommands = {VolumeCreateCommand.class, VolumeLimitCommand.class})
public final class VolumeCommand extends CommandGroup {
  /** What is printed in place of an empty table. */
  static final String NONE =
      "there are no volumes; to make one: anabranch volume create NAME --size 20GiB,"
          + " or volumes { } in the configuration file\n";

  @Command(
      name = "list",
      aliases = "ls",
      description = "Show volumes.",
      footer = {"", "Example:", "  anabranch volume list"},
      mixinStandardHelpOptions = true)
  int list(@Mixin ServerOption server) throws RefusedException {
    return server.show(
        VolumeListVerb.CALL,
        Nothing.NOTHING,
        result ->
            result.volumes().isEmpty()
                ? NONE
                : table(result.volumes()).text(Screen.on(server.out()).columns()));
  }

  private static TextTable table(List<VolumeEntry> volumes) {
    boolean limited = volumes.stream().anyMatch(volume -> volume.limits() != null);
    TextTable table =
        limited
            ? new TextTable("VOLUME", "SIZE", "BLOCK", "MODE", "LIMITS", "FILE")
            : new TextTable("VOLUME", "SIZE", "BLOCK", "MODE", "FILE");
    for (VolumeEntry volume : volumes) {
      boolean leftOut = volume.state() == VolumeEntry.State.LEFT_OUT;
      List<Object> cells = new ArrayList<>();
      cells.add(volume.name());
      cells.add(leftOut ? "" : Sizes.exact(volume.bytes()));
      cells.add(volume.blockSize());
      cells.add(mode(volume));
      if (limited) {
        cells.add(volume.limits() == null ? "" : VolumeLimitCommand.text(volume.limits()));
      }
      cells.add(volume.path());
      table.row(cells.toArray());
    }
    return table;
  }

  /** Who can write to it, or why nobody can. */
  static String mode(VolumeEntry volume) {
    return switch (volume.state()) {
      case LEFT_OUT -> "left out";
      case STANDBY -> "standby";
      case FENCED -> "fenced";
      case COPYING -> copying(volume);
      case SERVED -> volume.readOnly() ? "ro" : "rw";
    };
  }

  /** How far a copy is, such as {@code copying vm1@monday, 42 %}. */
  private static String copying(VolumeEntry volume) {
    long done = volume.copiedBytes() == null ? 0 : volume.copiedBytes();
    return "copying "
        + volume.from()
        + ", "
        + (volume.bytes() == 0 ? 100 : (long) (100.0 * done / volume.bytes()))
        + " %";
  }

  @Command(
      name = "remove",
      aliases = {"rm", "delete"},
      description = {
        "Remove a volume that volume create made, or cancel its making.",
        "Refused while it is a LUN, has snapshots, or is below a device. Its image stays,",
        "unless --delete-image says otherwise."
      },
      footer = {
        "",
        "Examples:",
        "  anabranch volume remove vm4",
        "  anabranch volume remove vm4 --delete-image"
      },
      mixinStandardHelpOptions = true)
  int remove(
      @Parameters(paramLabel = "VOLUME") String volume,
      @Option(names = "--delete-image", description = "Also its image, with all that is on it.")
          boolean deleteImage,
      @Mixin ServerOption server)
      throws RefusedException {
    return server.show(
        VolumeRemoveVerb.CALL,
        new VolumeRemoveVerb.Arguments(volume, deleteImage),
        result ->
            "volume "
                + volume
                + " removed; "
                + result.path()
                + (result.imageDeleted() ? " is deleted\n" : " stays\n"));
  }

  @Command(
      name = "rename",
      description = {
        "Give a volume that volume create made another name.",
        "Its snapshots, LUNs and devices follow, and initiators notice nothing: the "
            + "disk's identity (WWID) stays, and so does the image where it is."
      },
      footer = {"", "Example:", "  anabranch volume rename vm4 web"},
      mixinStandardHelpOptions = true)
  int rename(
      @Parameters(index = "0", paramLabel = "VOLUME") String volume,
      @Parameters(index = "1", paramLabel = "NEW") String newName,
      @Mixin ServerOption server)
      throws RefusedException {
    return server.show(
        VolumeRenameVerb.CALL,
        new VolumeRenameVerb.Arguments(volume, newName),
        result -> "volume " + result.before() + " is " + result.volume() + " now\n");
  }

  @Command(
      name = "resize",
      description = {
        "Give a volume another size, for good.",
        "Initiators that are logged in are notified; Linux needs a rescan, such as by",
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
    return server.show(
        VolumeResizeVerb.CALL,
        new VolumeResizeVerb.Arguments(volume, bytes, more, force),
        result ->
            "volume "
                + volume
                + ": "
                + Sizes.exact(result.bytesBefore())
                + " before, now "
                + Sizes.exact(result.bytes())
                + "\n");
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
    return server.show(
        VolumeRetryVerb.CALL, new VolumeRetryVerb.Arguments(name), ReloadCommand::text);
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
    return server.show(
        VolumeAdoptVerb.CALL, new VolumeAdoptVerb.Arguments(volume), ReloadCommand::text);
  }

  @Command(
      name = "take-over",
      description = {
        "Serve an RBD image that another server has, and shut that server out.",
        "Ceph accepts nothing from the other server before this one writes. The other",
        "one drops the sessions that see the volume, and stands by from then on.",
        "Without this command a server that stands by takes the volume over when the",
        "other one has stopped, or when Ceph has heard nothing of it for some 30 s."
      },
      footer = {"", "Example:", "  anabranch volume take-over vm1"},
      mixinStandardHelpOptions = true)
  int takeOver(@Parameters(paramLabel = "VOLUME") String volume, @Mixin ServerOption server)
      throws RefusedException {
    return server.show(
        VolumeTakeOverVerb.CALL, new VolumeTakeOverVerb.Arguments(volume), ReloadCommand::text);
  }

  @Command(
      name = "import",
      description = {
        "Make a volume what a stream of snapshot export says.",
        "All of the stream is received and checked first, into the state directory; then",
        "the volume is written, and a read-only snapshot is taken that says what it is.",
        "A volume that does not exist is made, with an image in image-dir. It takes a",
        "stream of everything.",
        "A stream of what changed since an older snapshot needs a volume that has that",
        "snapshot, from an import or as its own, and was not written since. Nobody may",
        "use the volume meanwhile. Until all was received nothing is changed; from then",
        "on the import is completed, also over a restart."
      },
      footer = {
        "",
        "Exit status: 0 the volume is as the stream says, 1 it is not.",
        "",
        "Examples:",
        "  anabranch snapshot export vm1@a - | ssh host2 anabranch volume import vm1 -",
        "  anabranch volume import vm1 /backup/vm1.stream"
      },
      mixinStandardHelpOptions = true)
  int receive(
      @Parameters(index = "0", paramLabel = "VOLUME", description = "What it is to become.")
          String volume,
      @Parameters(
              index = "1",
              paramLabel = "FILE",
              description = "The stream; - for standard input.")
          Path file,
      @Option(
              names = "--snapshot",
              paramLabel = "NAME",
              description = "Of the snapshot that is taken; without it the stream's.")
          @Nullable String snapshot,
      @Option(
              names = "--force",
              description =
                  "Also when the volume was changed since, or is not empty: what it has is lost.")
          boolean force,
      @Mixin ServerOption server)
      throws RefusedException {
    return new StreamCommands(server).receive(volume, file, snapshot, force);
  }
}
