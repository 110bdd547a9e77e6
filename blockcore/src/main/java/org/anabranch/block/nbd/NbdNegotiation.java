// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.nbd;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The handshake of fixed newstyle. Blocks; who calls it closes the channel when it takes too long.
 * All numbers are big-endian.
 */
final class NbdNegotiation {
  private static final long MAGIC = 0x4e42444d41474943L; // "NBDMAGIC"
  private static final long IHAVEOPT = 0x49484156454f5054L; // also that
  private static final long REPLY_MAGIC = 0x3e889045565a9L;

  private static final int FIXED_NEWSTYLE = 1;
  private static final int NO_ZEROES = 2;

  private static final int OPT_GO = 7;
  private static final int OPT_STRUCTURED_REPLY = 8;
  private static final int OPT_SET_META_CONTEXT = 10;

  private static final int REP_ACK = 1;
  private static final int REP_INFO = 3;
  private static final int REP_META_CONTEXT = 4;
  private static final int ERR_UNSUP = 0x80000001;
  private static final int ERR_POLICY = 0x80000002;
  private static final int ERR_TLS_REQD = 0x80000005;
  private static final int ERR_UNKNOWN = 0x80000006;
  private static final int ERR_SHUTDOWN = 0x80000007;

  private static final int INFO_EXPORT = 0;
  private static final int INFO_BLOCK_SIZE = 3;

  private static final String ALLOCATION = "base:allocation";

  /** A reply to an option longer than this breaks the protocol. */
  private static final int MAX_REPLY = 64 << 10;

  /** Without a word of the server. */
  private static final int DEFAULT_MAX_PAYLOAD = 32 << 20;

  private final SocketChannel channel;
  private final String export;

  private NbdNegotiation(SocketChannel channel, String export) {
    this.channel = channel;
    this.export = export;
  }

  /** An option's reply. */
  private record Reply(int type, ByteBuffer data) {
    boolean isError() {
      return type < 0;
    }

    String words() {
      String said = StandardCharsets.UTF_8.decode(data.duplicate()).toString().strip();
      return said.isEmpty() ? "" : ": " + said.replaceAll("\\p{Cntrl}", " ");
    }
  }

  /**
   * Agrees on terms. Afterwards the connection is in its transmission phase.
   *
   * @throws NbdRefusedException when the server refuses the export
   * @throws IOException with a message of one line that does not name the server
   */
  static NbdTerms of(SocketChannel channel, String export) throws IOException {
    return new NbdNegotiation(channel, export).run();
  }

  private NbdTerms run() throws IOException {
    ByteBuffer greeting = read(18);
    if (greeting.getLong() != MAGIC) {
      throw new IOException("what listens there is no NBD server");
    }
    long style = greeting.getLong();
    int flags = greeting.getShort();
    if (style != IHAVEOPT || (flags & FIXED_NEWSTYLE) == 0) {
      throw new IOException("the NBD server is too old: it has no fixed newstyle negotiation");
    }
    send(ByteBuffer.allocate(4).putInt(flags & (FIXED_NEWSTYLE | NO_ZEROES)));
    boolean structured = structuredReplies();
    long allocation = structured ? allocationContext() : -1;
    return go(structured, allocation);
  }

  private boolean structuredReplies() throws IOException {
    option(OPT_STRUCTURED_REPLY, ByteBuffer.allocate(0));
    return !reply(OPT_STRUCTURED_REPLY).isError();
  }

  /** The id of the context; -1 if the server has none. */
  private long allocationContext() throws IOException {
    byte[] name = name();
    byte[] context = ALLOCATION.getBytes(StandardCharsets.UTF_8);
    option(
        OPT_SET_META_CONTEXT,
        ByteBuffer.allocate(12 + name.length + context.length)
            .putInt(name.length)
            .put(name)
            .putInt(1)
            .putInt(context.length)
            .put(context)
            .flip());
    long id = -1;
    for (Reply reply = reply(OPT_SET_META_CONTEXT);
        reply.type() != REP_ACK;
        reply = reply(OPT_SET_META_CONTEXT)) {
      if (reply.isError()) {
        return -1;
      } else if (reply.type() == REP_META_CONTEXT && reply.data().remaining() >= 4) {
        id = reply.data().getInt() & 0xffffffffL;
      }
    }
    return id;
  }

  private NbdTerms go(boolean structured, long allocation) throws IOException {
    byte[] name = name();
    option(
        OPT_GO,
        ByteBuffer.allocate(8 + name.length)
            .putInt(name.length)
            .put(name)
            .putShort((short) 1)
            .putShort((short) INFO_BLOCK_SIZE)
            .flip());
    NbdTerms terms = null;
    int min = 1;
    int max = DEFAULT_MAX_PAYLOAD;
    for (Reply reply = reply(OPT_GO); reply.type() != REP_ACK; reply = reply(OPT_GO)) {
      if (reply.isError()) {
        throw refused(reply);
      } else if (reply.type() != REP_INFO || reply.data().remaining() < 2) {
        continue;
      }
      ByteBuffer info = reply.data();
      int kind = info.getShort();
      if (kind == INFO_EXPORT && info.remaining() >= 10) {
        long bytes = info.getLong();
        terms = new NbdTerms(bytes, info.getShort() & 0xffff, min, max, structured, allocation);
      } else if (kind == INFO_BLOCK_SIZE && info.remaining() >= 12) {
        min = info.getInt();
        info.getInt(); // the preferred size
        max = (int) Math.min(info.getInt() & 0xffffffffL, DEFAULT_MAX_PAYLOAD);
      }
    }
    return check(terms, min, max);
  }

  private static NbdTerms check(@Nullable NbdTerms found, int min, int max) throws IOException {
    if (found == null || found.bytes() < 0) {
      throw new IOException("the NBD server did not say how long its export is");
    } else if (min < 1 || Integer.bitCount(min) != 1 || min > 65_536 || max < Math.max(min, 512)) {
      throw new IOException("the NBD server asks for blocks of " + min + " to " + max + " bytes");
    }
    int payload = max & -Math.max(min, 512);
    return new NbdTerms(
        found.bytes(), found.flags(), min, payload, found.structured(), found.allocation());
  }

  private IOException refused(Reply reply) {
    String it = export.isEmpty() ? "default export" : "export '" + export + "'";
    return switch (reply.type()) {
      case ERR_UNKNOWN -> new NbdRefusedException("the NBD server has no " + it + reply.words());
      case ERR_TLS_REQD ->
          new NbdRefusedException(
              "the NBD server wants an encrypted connection, which is not supported; use a Unix"
                  + " socket or a tunnel");
      case ERR_POLICY ->
          new NbdRefusedException("the NBD server refuses its " + it + reply.words());
      case ERR_SHUTDOWN -> new IOException("the NBD server is shutting down");
      case ERR_UNSUP ->
          new NbdRefusedException("the NBD server is too old: it does not know NBD_OPT_GO");
      default ->
          new NbdRefusedException(
              "the NBD server refuses its "
                  + it
                  + " with error "
                  + (reply.type() & 0x7fffffff)
                  + reply.words());
    };
  }

  private byte[] name() {
    return export.getBytes(StandardCharsets.UTF_8);
  }

  private void option(int option, ByteBuffer data) throws IOException {
    ByteBuffer whole = ByteBuffer.allocate(16 + data.remaining());
    send(whole.putLong(IHAVEOPT).putInt(option).putInt(data.remaining()).put(data));
  }

  private Reply reply(int option) throws IOException {
    ByteBuffer head = read(20);
    long magic = head.getLong();
    int answered = head.getInt();
    int type = head.getInt();
    int length = head.getInt();
    if (magic != REPLY_MAGIC || answered != option || length < 0 || length > MAX_REPLY) {
      throw new IOException("the NBD server breaks the protocol in its answer to an option");
    }
    return new Reply(type, read(length));
  }

  private void send(ByteBuffer written) throws IOException {
    for (ByteBuffer rest = written.flip(); rest.hasRemaining(); ) {
      channel.write(rest);
    }
  }

  private ByteBuffer read(int bytes) throws IOException {
    ByteBuffer into = ByteBuffer.allocate(bytes);
    while (into.hasRemaining()) {
      if (channel.read(into) < 0) {
        throw new EOFException("the NBD server closed the connection during the negotiation");
      }
    }
    return into.flip();
  }
}
