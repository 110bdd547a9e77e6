// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.verbs.snapshots.SnapshotAdoptVerb;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code anabranch snapshot adopt}. */
@Command(
    name = "adopt",
    description = {
      "Take over a snapshot that LVM2 or dmsetup made, from its COW volume.",
      "The store is checked and copied; the file itself is not changed, and not needed afterwards.",
      "The volume must hold exactly what the snapshot's origin held when the store was last in use:"
          + " the server cannot check that. If anything has been written to it since, the snapshot"
          + " reads wrong data. Nobody may be logged in to a target that has the volume.",
      "If a rollback was interrupted (lvconvert --merge), the volume is a mixture of old and new data"
          + " until it ends: use --merge.",
    },
    footer = {
      "",
      "Examples:",
      "  anabranch snapshot adopt vm1@before --store /srv/before.cow",
      "  anabranch snapshot adopt vm1@before --store /dev/mapper/vg-before-cow --merge"
    },
    mixinStandardHelpOptions = true)
final class SnapshotAdoptCommand implements Callable<Integer> {
  @Parameters(paramLabel = "VOLUME@NAME")
  private String name = "";

  @Option(
      names = "--store",
      paramLabel = "FILE",
      required = true,
      description = "The COW volume, or an image of it. Read by the server, as its user.")
  private Path store = Path.of("");

  @Option(names = "--read-only", description = "Initiators cannot write to the snapshot.")
  private boolean readOnly;

  @Option(
      names = "--merge",
      description = "Roll the volume back to it at once, or go on with that.")
  private boolean merge;

  @Option(
      names = "--description",
      paramLabel = "TEXT",
      description = "What it is for, in one line; snapshot list shows it.")
  private @Nullable String description;

  @Mixin private ServerOption server = new ServerOption();

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws RefusedException {
    if (name.indexOf('@') <= 0) {
      throw Usage.error(spec, "not VOLUME@NAME: " + name);
    }
    return server.show(
        SnapshotAdoptVerb.CALL,
        new SnapshotAdoptVerb.Arguments(
            name, store.toAbsolutePath().normalize(), readOnly, merge, description),
        result ->
            "snapshot "
                + name
                + " taken over from "
                + store
                + (merge ? "; the rollback begins: snapshot list shows how far it is" : "")
                + "\n");
  }
}
