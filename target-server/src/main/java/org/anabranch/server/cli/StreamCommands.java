// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.verbs.VolumeImportVerb;
import org.anabranch.server.control.verbs.snapshots.SnapshotExportVerb;
import org.anabranch.server.state.StateDirectory;
import org.anabranch.server.terminal.Screen;
import org.anabranch.server.terminal.Sizes;
import org.jspecify.annotations.Nullable;

/**
 * Streams of snapshots through standard output and standard input. What is said to people goes to
 * standard error: its progress only if that is a terminal.
 */
final class StreamCommands {
  private final ServerOption server;

  StreamCommands(ServerOption server) {
    this.server = server;
  }

  /** {@code snapshot export NAME -}. */
  int export(String name, @Nullable String since) throws RefusedException {
    Screen screen = Screen.onErrors(server.err());
    if (Screen.isTerminal(1)) {
      throw new RefusedException(
          "a stream is not for a terminal: send it into a pipe or a file, such as > vm1.stream");
    }
    DataBar bar = new DataBar(screen, !screen.moves());
    // Never closed: where standard output is closed already, its number is another file's.
    FileChannel out = new FileOutputStream(FileDescriptor.out).getChannel();
    SnapshotExportVerb.Result result =
        server
            .client()
            .download(
                SnapshotExportVerb.CALL,
                new SnapshotExportVerb.Arguments(name, null, false, since, false),
                state -> bar.update(state.doneBytes(), state.totalBytes()),
                data -> write(out, data));
    if (screen.moves()) {
      screen.line(
          name
              + (since == null ? "" : " since " + since)
              + " exported: "
              + Sizes.bytes((double) result.storedBytes())
              + " of "
              + Sizes.bytes((double) result.bytes()));
    }
    return 0;
  }

  /**
   * {@code volume import}.
   *
   * @param from a file, or - for standard input
   */
  int receive(String volume, Path from, @Nullable String snapshot, boolean force)
      throws RefusedException {
    Screen screen = Screen.onErrors(server.err());
    boolean standard = from.toString().equals("-");
    if (standard && Screen.isTerminal(0)) {
      throw new RefusedException(
          "a stream does not come from a terminal: pipe snapshot export into this command");
    }
    DataBar bar = new DataBar(screen, !screen.moves());
    FileChannel in = standard ? new FileInputStream(FileDescriptor.in).getChannel() : open(from);
    VolumeImportVerb.Result result =
        server
            .client()
            .upload(
                VolumeImportVerb.CALL,
                new VolumeImportVerb.Arguments(volume, snapshot, force),
                state -> {
                  if (state.totalBytes() != null) {
                    bar.update(state.doneBytes(), state.totalBytes());
                  } else if (state.doneBytes() > 0) {
                    screen.temporary("received " + Sizes.bytes((double) state.doneBytes()));
                  }
                },
                in);
    server.print(
        result,
        each ->
            "volume "
                + volume
                + (each.made() ? " made, and is " : " is ")
                + each.snapshot()
                + " now: "
                + Sizes.bytes((double) each.changedBytes())
                + " of "
                + Sizes.bytes((double) each.bytes())
                + (each.since() == null ? "" : " changed since " + each.since())
                + "\n");
    return 0;
  }

  private static FileChannel open(Path file) throws RefusedException {
    try {
      return FileChannel.open(file, StandardOpenOption.READ);
    } catch (IOException e) {
      throw new RefusedException(StateDirectory.reason(e), e);
    }
  }

  private static void write(FileChannel out, ByteBuffer data) throws RefusedException {
    try {
      while (data.hasRemaining()) {
        out.write(data);
      }
    } catch (IOException e) {
      throw new RefusedException(
          "standard output: " + e.getMessage() + "; the stream is broken off", e);
    }
  }
}
