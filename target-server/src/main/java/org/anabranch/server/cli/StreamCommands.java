// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.verbs.snapshots.SnapshotExportVerb;
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
    SnapshotExportVerb.Result result;
    try (FileOutputStream stream = new FileOutputStream(FileDescriptor.out)) {
      FileChannel out = stream.getChannel();
      result =
          server
              .client()
              .download(
                  SnapshotExportVerb.CALL,
                  new SnapshotExportVerb.Arguments(name, null, false, since, false),
                  state -> bar.update(state.doneBytes(), state.totalBytes()),
                  data -> write(out, data));
    } catch (IOException e) {
      throw new RefusedException(
          "standard output: " + e.getMessage() + ": the stream is broken off", e);
    }
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
