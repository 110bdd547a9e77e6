// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.nbd;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongFunction;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Scheduler;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection to an NBD server. One thread sends, another one receives; both block. {@link
 * #close} may be called by any thread and ends both.
 */
final class NbdConnection implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(NbdConnection.class);

  /** The most requests that are sent with one system call. */
  static final int BATCH = 32;

  private static final int SIMPLE_REPLY = 0x67446698;
  private static final int STRUCTURED_REPLY = 0x668e33ef;

  private static final int FLAG_DONE = 1;
  private static final int NONE = 0;
  private static final int OFFSET_DATA = 1;
  private static final int OFFSET_HOLE = 2;
  private static final int BLOCK_STATUS = 5;
  private static final int ERROR_BIT = 0x8000;

  /** The longest payload of a chunk that carries no data of a read. */
  private static final int MAX_WORDS = 64 << 10;

  /** What a server says that ends: the connection counts as lost. */
  private static final int ESHUTDOWN = 108;

  private final SocketChannel channel;
  private final NbdTerms terms;
  private final ByteBuffer headers =
      ByteBuffer.allocateDirect(BATCH * NbdRequest.BYTES); // sender's
  private final ByteBuffer input = ByteBuffer.allocateDirect(64 << 10).limit(0); // receiver's

  private NbdConnection(SocketChannel channel, NbdTerms terms) {
    this.channel = channel;
    this.terms = terms;
  }

  /**
   * Connects and negotiates. Blocks, at most as long as the options say.
   *
   * @throws NbdRefusedException when the server refuses the export
   * @throws IOException with a message of one line that does not name the server
   */
  static NbdConnection open(NbdExport export, NbdOptions options, Scheduler scheduler)
      throws IOException {
    SocketAddress address = export.server();
    SocketChannel channel =
        address instanceof InetSocketAddress
            ? SocketChannel.open()
            : SocketChannel.open(StandardProtocolFamily.UNIX);
    AtomicBoolean late = new AtomicBoolean();
    Scheduler.Timer timer =
        scheduler.schedule(
            () -> {
              late.set(true);
              close(channel);
            },
            options.negotiationNanos());
    try {
      if (address instanceof InetSocketAddress host) {
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
        channel.connect(resolved(host));
      } else {
        channel.connect(address);
      }
      NbdTerms terms = NbdNegotiation.of(channel, export.name());
      timer.cancel();
      return new NbdConnection(channel, terms);
    } catch (IOException e) {
      timer.cancel();
      close(channel);
      throw late.get() ? new IOException("the NBD server does not answer", e) : e;
    }
  }

  private static InetSocketAddress resolved(InetSocketAddress host) throws IOException {
    if (!host.isUnresolved()) {
      return host;
    }
    InetSocketAddress found = new InetSocketAddress(host.getHostString(), host.getPort());
    if (found.isUnresolved()) {
      throw new UnknownHostException("no host is called " + host.getHostString());
    }
    return found;
  }

  NbdTerms terms() {
    return terms;
  }

  /** Sends requests, at most {@link #BATCH}. */
  void send(List<NbdRequest> requests) throws IOException {
    headers.clear();
    requests.forEach(request -> request.encode(headers));
    headers.flip();
    int begin = 0; // of the headers that go with the next data
    int end = 0;
    for (NbdRequest request : requests) {
      end += NbdRequest.BYTES;
      if (request.io().op() == Io.Op.WRITE) {
        write(headers.slice(begin, end - begin), request.io().data().duplicate());
        begin = end;
      }
    }
    if (end > begin) {
      write(headers.slice(begin, end - begin));
    }
  }

  /** Tells the server that no more requests follow. */
  void sendDisconnect() throws IOException {
    headers.clear();
    NbdRequest.encodeDisconnect(headers);
    write(headers.flip());
  }

  private void write(ByteBuffer... buffers) throws IOException {
    while (buffers[buffers.length - 1].hasRemaining()) {
      channel.write(buffers);
    }
  }

  /**
   * Receives one reply or a part of one.
   *
   * @param inFlight finds a request by its cookie; null if there is none
   * @return the request that it ends; null if more of it follows
   * @throws IOException when the connection has ended, or the server breaks the protocol
   */
  @Nullable NbdRequest receive(LongFunction<@Nullable NbdRequest> inFlight) throws IOException {
    need(16);
    int magic = input.getInt();
    if (magic == SIMPLE_REPLY) {
      int error = input.getInt();
      NbdRequest request = find(inFlight, input.getLong());
      if (error != 0) {
        request.failed(error(error, ""));
      } else if (request.io().op() == Io.Op.READ) {
        data(request, request.offset(), request.length());
      }
      return request;
    } else if (magic != STRUCTURED_REPLY || !terms.structured()) {
      throw broken("a reply begins with " + Integer.toHexString(magic));
    }
    int flags = input.getShort();
    int type = input.getShort() & 0xffff;
    long cookie = input.getLong();
    need(4);
    long length = input.getInt() & 0xffffffffL;
    NbdRequest request = find(inFlight, cookie);
    chunk(request, type, length);
    return (flags & FLAG_DONE) != 0 ? request : null;
  }

  private void chunk(NbdRequest request, int type, long length) throws IOException {
    if (type == OFFSET_DATA && length > 8) {
      need(8);
      data(request, input.getLong(), length - 8);
      return;
    } else if (length > MAX_WORDS) {
      throw broken("a chunk of type " + type + " has " + length + " bytes");
    }
    ByteBuffer words = ByteBuffer.allocate((int) length);
    fill(words);
    words.flip();
    if ((type & ERROR_BIT) != 0 && length >= 6) {
      int error = words.getInt();
      int said = Math.min(words.getShort() & 0xffff, words.remaining());
      request.failed(error(error, StandardCharsets.UTF_8.decode(words.slice(6, said)).toString()));
    } else if (type == OFFSET_HOLE && length == 12) {
      ByteBuffer hole = request.place(words.getLong(), words.getInt() & 0xffffffffL);
      if (hole == null) {
        throw broken("a hole lies outside of what was asked for");
      }
      while (hole.hasRemaining()) {
        hole.put((byte) 0);
      }
    } else if (type == BLOCK_STATUS && length >= 12) {
      if ((words.getInt() & 0xffffffffL) == terms.allocation()) {
        request.extent(words.getInt() & 0xffffffffL, words.getInt());
      }
    } else if (type != NONE || length != 0) {
      throw broken("a chunk has type " + type + " and " + length + " bytes");
    }
  }

  private void data(NbdRequest request, long offset, long length) throws IOException {
    ByteBuffer place = request.place(offset, length);
    if (place == null) {
      throw broken("data lies outside of what was asked for");
    }
    fill(place);
  }

  private static NbdRequest find(LongFunction<@Nullable NbdRequest> inFlight, long cookie)
      throws IOException {
    NbdRequest request = inFlight.apply(cookie);
    if (request == null) {
      throw broken("it answers what nobody asked");
    }
    return request;
  }

  private static IOException broken(String how) {
    return new IOException("the NBD server breaks the protocol: " + how);
  }

  /** The error of a reply; the numbers are the protocol's, which are those of Linux. */
  private static IoError error(int number, String said) throws IOException {
    if (number == ESHUTDOWN) {
      throw new IOException("the NBD server is shutting down");
    }
    String reason =
        switch (number) {
          case 1 -> "operation not permitted";
          case 5 -> "input/output error";
          case 12 -> "the server is out of memory";
          case 22 -> "invalid request";
          case 28 -> "no space left";
          case 75 -> "the request is too long";
          case 95 -> "not supported";
          default -> "error " + number;
        };
    IoError.Kind kind =
        switch (number) {
          case 1 -> IoError.Kind.READ_ONLY;
          case 28 -> IoError.Kind.NO_SPACE;
          case 95 -> IoError.Kind.NOT_SUPPORTED;
          default -> IoError.Kind.IO;
        };
    String words = said.strip().replaceAll("\\p{Cntrl}", " ");
    return IoError.of(
        kind, "the NBD server reports: " + reason + (words.isEmpty() ? "" : " (" + words + ")"));
  }

  /** Makes the input contain at least so many bytes. */
  private void need(int bytes) throws IOException {
    if (input.remaining() < bytes) {
      input.compact();
      try {
        while (input.position() < bytes) {
          read(input);
        }
      } finally {
        input.flip();
      }
    }
  }

  private void fill(ByteBuffer target) throws IOException {
    int ready = Math.min(input.remaining(), target.remaining());
    target.put(input.slice(input.position(), ready));
    input.position(input.position() + ready);
    while (target.hasRemaining()) {
      read(target);
    }
  }

  private void read(ByteBuffer into) throws IOException {
    if (channel.read(into) < 0) {
      throw new EOFException("the NBD server closed the connection");
    }
  }

  @Override
  public void close() {
    close(channel);
  }

  private static void close(SocketChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      LOG.debug("a connection was closed with an error: {}", e.toString()); // and it is closed
    }
  }
}
