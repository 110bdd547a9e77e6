// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.history;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;

/**
 * A file of {@link Event} lines to which lines are only appended. Each is with the operating system
 * when {@link #append} returns, so the log outlives the process that writes it, killed at any
 * moment. One thread at a time.
 */
public final class HistoryLog implements AutoCloseable {
  private final FileChannel channel;
  private long lines;

  /** Begins a new log, or goes on with one whose last line is whole. */
  public HistoryLog(Path file) throws IOException {
    channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
  }

  /** Appends a line; its number from 1 on, of those that this object has written. */
  long append(Event event) throws IOException {
    ByteBuffer line = ByteBuffer.wrap((event.line() + "\n").getBytes(StandardCharsets.UTF_8));
    while (line.hasRemaining()) {
      channel.write(line);
    }
    return ++lines;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  /** The events of a log. A last line without an end is one whose writer died: it is left out. */
  public static List<Event> read(Path file) throws IOException {
    String text = Files.readString(file);
    try (Stream<String> lines = text.substring(0, text.lastIndexOf('\n') + 1).lines()) {
      return lines.map(Event::parse).toList();
    }
  }
}
