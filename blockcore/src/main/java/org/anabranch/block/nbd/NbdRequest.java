// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.nbd;

import java.nio.ByteBuffer;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.jspecify.annotations.Nullable;

/**
 * One command on the wire and the request that it serves. Owned by one thread at a time: who
 * submits, who sends, who receives; the link's lock lies between.
 */
final class NbdRequest {
  static final int BYTES = 28;

  private static final int MAGIC = 0x25609513;

  /** The commands, by their numbers in the protocol. */
  enum Command {
    READ(0),
    WRITE(1),
    DISCONNECT(2),
    FLUSH(3),
    TRIM(4),
    WRITE_ZEROES(6),
    BLOCK_STATUS(7);

    private final int code;

    Command(int code) {
      this.code = code;
    }
  }

  private static final int FLAG_FUA = 1;
  private static final int FLAG_NO_HOLE = 2;
  private static final int FLAG_REQ_ONE = 8;

  private final Io io;
  private final Command command;
  private final boolean repeats;

  private long cookie;
  private long sentAt;
  private long mark;
  private long received;
  private @Nullable IoError error;

  /**
   * @param repeats it repeats a write that was acknowledged on an earlier connection
   */
  NbdRequest(Io io, boolean repeats) {
    this.io = io;
    this.repeats = repeats;
    this.command =
        switch (io.op()) {
          case READ -> Command.READ;
          case WRITE -> Command.WRITE;
          case FLUSH -> Command.FLUSH;
          case DISCARD -> Command.TRIM;
          case WRITE_ZEROES -> Command.WRITE_ZEROES;
          case BLOCK_STATUS -> Command.BLOCK_STATUS;
        };
  }

  Io io() {
    return io;
  }

  boolean repeats() {
    return repeats;
  }

  long offset() {
    return io.sector() << 9;
  }

  long length() {
    return io.sectors() << 9;
  }

  long cookie() {
    return cookie;
  }

  long sentAt() {
    return sentAt;
  }

  /** For a flush: the writes that it makes durable, see {@link UnflushedWrites#mark}. */
  long mark() {
    return mark;
  }

  /** Gets ready to be sent, for the first time or once more. */
  void begin(long newCookie, long now, long newMark) {
    cookie = newCookie;
    sentAt = now;
    mark = newMark;
    received = 0;
    error = null;
  }

  /** Appends the header. */
  void encode(ByteBuffer out) {
    int flags =
        switch (command) {
          case WRITE -> io.fua() ? FLAG_FUA : 0;
          case WRITE_ZEROES -> FLAG_NO_HOLE | (io.fua() ? FLAG_FUA : 0);
          case BLOCK_STATUS -> FLAG_REQ_ONE;
          default -> 0;
        };
    encode(out, flags, command, cookie, offset(), (int) length());
  }

  /** Appends the header of the command that ends a connection. */
  static void encodeDisconnect(ByteBuffer out) {
    encode(out, 0, Command.DISCONNECT, 0, 0, 0);
  }

  private static void encode(
      ByteBuffer out, int flags, Command command, long cookie, long offset, int length) {
    out.putInt(MAGIC)
        .putShort((short) flags)
        .putShort((short) command.code)
        .putLong(cookie)
        .putLong(offset)
        .putInt(length);
  }

  /** The part of the read's buffer for bytes of the export; null if they were not asked for. */
  @Nullable ByteBuffer place(long from, long bytes) {
    long at = from - offset();
    if (command != Command.READ || at < 0 || bytes < 0 || at + bytes > length()) {
      return null;
    }
    received += bytes;
    ByteBuffer data = io.data().duplicate();
    int begin = data.position() + (int) at;
    return data.limit(begin + (int) bytes).position(begin);
  }

  /** The first error of several is kept. */
  void failed(IoError newError) {
    if (error == null) {
      error = newError;
    }
  }

  /** An extent at the begin of the range, as the context {@code base:allocation} has it. */
  void extent(long bytes, int state) {
    int holeOfZeros = 3;
    io.answer((state & holeOfZeros) != holeOfZeros, Math.max(1, bytes >> 9));
    received = length();
  }

  /** Why it failed; null if all went well. */
  @Nullable IoError outcome() {
    boolean asks = command == Command.READ || command == Command.BLOCK_STATUS;
    if (error == null && asks && received != length()) {
      return IoError.of(
          IoError.Kind.IO, "the NBD server answered " + received + " of " + length() + " bytes");
    }
    return error;
  }

  @Override
  public String toString() {
    return io.toString();
  }
}
