// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.Io;
import org.anabranch.block.file.FileDevice;
import org.anabranch.block.file.FileOptions;
import org.anabranch.block.store.StoreReport;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Json;
import org.anabranch.server.state.StateDirectory;
import org.anabranch.server.storage.Stages;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code anabranch cow}: what is in a snapshot's COW store, and whether it is sound. The store is
 * one that nobody uses, of ours, of Linux's or of LVM2's (the {@code -cow} volume); it is opened
 * for reading only, and refused while a server has it locked.
 */
@Command(
    name = "cow",
    description = {
      "Look into snapshot stores that nobody uses.",
      "They may be ours, Linux's, or LVM2's cow volumes. Nothing is written to them."
    },
    mixinStandardHelpOptions = true)
public final class CowCommand implements Runnable {
  private static final int BAD = 1;
  private static final int LOOKED_AT = 1 << 20;

  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw Usage.error(spec, "a command is missing");
  }

  @Command(
      name = "dump",
      description = "Show header, areas and exceptions; what makes no sense too.",
      mixinStandardHelpOptions = true,
      footer = {"", "Example:", "  anabranch cow dump /var/lib/anabranch/cow/vm1@a.cow"})
  int dump(
      @Parameters(paramLabel = "FILE", description = "A file or block device.") Path file,
      @Option(names = "--origin", paramLabel = "FILE", description = "The volume, for its length.")
          @Nullable Path origin,
      @Option(names = "--json", description = "Print JSON.") boolean json)
      throws RefusedException {
    StoreText text = read(file, origin);
    print(json ? Json.pretty(text.dumpJson()) : text.dump());
    return 0;
  }

  @Command(
      name = "check",
      description = "Tell everything that is wrong, and where.",
      footer = {
        "",
        "Exit status: 0 the store is good, 1 it is not, 2 usage.",
        "",
        "Example:",
        "  anabranch cow check vm1@a.cow --origin /srv/vm1.img"
      },
      mixinStandardHelpOptions = true)
  int check(
      @Parameters(paramLabel = "FILE", description = "A file or block device.") Path file,
      @Option(
              names = "--origin",
              paramLabel = "FILE",
              description = "The volume: no exception may be beyond its end.")
          @Nullable Path origin,
      @Option(names = "--json", description = "Print JSON.") boolean json)
      throws RefusedException {
    StoreText text = read(file, origin);
    print(json ? Json.pretty(text.checkJson()) : text.check());
    return text.good() ? 0 : BAD;
  }

  private void print(String text) {
    PrintWriter out = spec.commandLine().getOut();
    out.print(text);
    out.flush();
  }

  private static StoreText read(Path file, @Nullable Path origin) throws RefusedException {
    long originSectors = Long.MAX_VALUE;
    if (origin != null) {
      BackingDevice volume = open(origin);
      originSectors = volume.sectors();
      Stages.<@Nullable Void>await(origin.toString(), volume.close());
    }
    BackingDevice store = open(file);
    try {
      StoreReport report = Stages.await(file.toString(), StoreReport.read(store, originSectors));
      return new StoreText(file, store.sectors() * 512, report, isEmpty(store));
    } finally {
      Stages.<@Nullable Void>await(file.toString(), store.close());
    }
  }

  /**
   * Whether the first {@value #LOOKED_AT} bytes are zeros: what is no store has something there.
   */
  private static boolean isEmpty(BackingDevice store) throws RefusedException {
    int most = (int) Math.min(LOOKED_AT, store.sectors() * 512);
    ByteBuffer data = ByteBuffer.allocateDirect(most);
    CompletableFuture<@Nullable Void> read = new CompletableFuture<>();
    store.submit(
        Io.read(
            0,
            data,
            (io, error) -> {
              if (error == null) {
                read.complete(null);
              } else {
                read.completeExceptionally(error.toException());
              }
            }));
    Stages.<@Nullable Void>await(store.name(), read);
    for (int i = 0; i < most; i++) {
      if (data.get(i) != 0) {
        return false;
      }
    }
    return true;
  }

  private static BackingDevice open(Path file) throws RefusedException {
    try {
      return FileDevice.open(file.toString(), file, FileOptions.DEFAULT.withReadOnly(true));
    } catch (IOException e) {
      throw new RefusedException(StateDirectory.reason(e), e);
    }
  }
}
