// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.anabranch.server.base.RefusedException;
import org.jspecify.annotations.Nullable;

/**
 * One end of a connection of the control socket: JSON objects, a line each, and blocks of data
 * between them. A block is the line {@code {"data":N}} and N bytes behind it; N is at most {@value
 * #MAX_BLOCK}, and 0 is the end of the data. One thread reads and one writes.
 */
final class MessageChannel {
  /** The most bytes of a block of data. */
  static final int MAX_BLOCK = 1 << 20;

  private static final int BUFFER = 1 << 16;

  private final SocketChannel channel;

  /** What was read from the socket and not taken yet: position to limit. */
  private final ByteBuffer read = ByteBuffer.allocate(BUFFER).limit(0);

  /** Bytes of the block that are still to come. */
  private int left;

  private boolean ended;

  MessageChannel(SocketChannel channel) {
    this.channel = channel;
  }

  /**
   * The next line without its end; null when the other side has closed.
   *
   * @param most bytes that it may have
   * @throws RefusedException when it has more
   */
  @Nullable String line(int most) throws IOException, RefusedException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    while (read.hasRemaining() || fill()) {
      int begin = read.position();
      int end = begin;
      while (end < read.limit() && read.get(end) != '\n') {
        end++;
      }
      if (line.size() + end - begin > most) {
        throw new RefusedException("a request has at most " + most + " bytes");
      }
      line.write(read.array(), begin, end - begin);
      if (end < read.limit()) {
        read.position(end + 1);
        return line.toString(StandardCharsets.UTF_8);
      }
      read.position(end);
    }
    return null;
  }

  private boolean fill() throws IOException {
    read.clear();
    int count = channel.read(read);
    read.flip();
    return count > 0;
  }

  /** The size of a block, where a line begins one; -1 for another line. */
  static int block(Map<String, ?> message) {
    return message.get("data") instanceof Number size
            && size.longValue() >= 0
            && size.longValue() <= MAX_BLOCK
        ? size.intValue()
        : -1;
  }

  /** Reads bytes of a block whose line was read: as many as there is room for. */
  void read(ByteBuffer into) throws IOException {
    while (into.hasRemaining()) {
      if (read.hasRemaining()) {
        int count = Math.min(read.remaining(), into.remaining());
        into.put(read.slice(read.position(), count));
        read.position(read.position() + count);
      } else if (channel.read(into) < 0) {
        throw new EOFException("the connection ended in the middle of data");
      }
    }
  }

  /**
   * Reads data of blocks that follow each other.
   *
   * @return how many bytes; -1 behind the end of the data
   * @throws IOException also when something else comes, or the connection ends before the data does
   */
  int data(ByteBuffer into) throws IOException {
    if (left == 0 && !ended) {
      left = nextBlock();
      ended = left == 0;
    }
    if (ended) {
      return -1;
    }
    int count = Math.min(left, into.remaining());
    int limit = into.limit();
    read(into.limit(into.position() + count));
    into.limit(limit);
    left -= count;
    return count;
  }

  private int nextBlock() throws IOException {
    try {
      String line = line(BUFFER);
      int size = line == null ? -1 : block(Json.parse(line));
      if (line == null) {
        throw new EOFException("the connection ended before its data");
      }
      if (size < 0) {
        throw new IOException("no block of data: " + line);
      }
      return size;
    } catch (RefusedException | IllegalArgumentException e) {
      throw new IOException("no block of data: " + e.getMessage(), e);
    }
  }

  /** Sends an object. */
  void send(Map<String, ?> message) throws IOException {
    write(ByteBuffer.wrap((Json.line(message) + "\n").getBytes(StandardCharsets.UTF_8)));
  }

  /** Sends bytes as blocks. */
  void sendData(ByteBuffer data) throws IOException {
    while (data.hasRemaining()) {
      ByteBuffer block = data.slice(data.position(), Math.min(data.remaining(), MAX_BLOCK));
      send(Map.of("data", block.remaining()));
      write(block);
      data.position(data.position() + block.limit());
    }
  }

  /** Sends the end of the data. */
  void endData() throws IOException {
    send(Map.of("data", 0));
  }

  private void write(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }
}
