// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A TCP connection to a target that sends whatever it is given: correct PDUs, malformed PDUs, loose
 * bytes, or nothing. It has no session and no sequence numbers.
 *
 * <p>Received PDUs wait in an inbox of at most {@value #INBOX} for {@link #receive}, or go to the
 * {@link Session} that has taken over the connection. While the inbox is full, the connection does
 * not read. Methods may be called from any thread except the event loop; the calls of one thread
 * are sent in order.
 */
public final class RawConnection implements AutoCloseable {
  private static final int INBOX = 4096;

  /** Receives the PDUs instead of the inbox. Called on the event loop. */
  interface Receiver extends PduDecoder.Sink {
    /** All bytes available so far have been decoded. */
    void readComplete();

    /** The connection is closed; this is the last call. */
    void closed(IscsiException cause);
  }

  private final Channel channel;
  private final LinkedBlockingQueue<Pdu> inbox = new LinkedBlockingQueue<>();
  private final CompletableFuture<IscsiException> closed = new CompletableFuture<>();

  // Owned by the event loop.
  private final PduDecoder decoder = new PduDecoder(new Inbound());
  private final PduEncoder encoder = new PduEncoder();
  private @Nullable ByteBuf unread;
  private @Nullable Receiver receiver;
  private @Nullable IscsiException failure;

  /** Whether the caller wants to read; a full inbox may pause reading as well. */
  private volatile boolean reading = true;

  private RawConnection(Channel channel) {
    this.channel = channel;
  }

  /** Connects; {@code bootstrap} provides the event loops and the channel class. */
  static CompletableFuture<RawConnection> connect(Bootstrap bootstrap, InetSocketAddress address) {
    CompletableFuture<RawConnection> connected = new CompletableFuture<>();
    Future<?> _ =
        bootstrap
            .clone()
            .handler(
                new io.netty.channel.ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    RawConnection connection = new RawConnection(channel);
                    channel.attr(Handler.CONNECTION).set(connection);
                    channel.pipeline().addLast(connection.new Handler());
                  }
                })
            .connect(address)
            .addListener((io.netty.channel.ChannelFuture future) -> {
              if (future.isSuccess()) {
                connected.complete(future.channel().attr(Handler.CONNECTION).get());
              } else {
                connected.completeExceptionally(
                    new IscsiException("can't connect to " + address, future.cause()));
              }
            });
    return connected;
  }

  /** Sends a PDU unchanged, with the digests set by {@link #fullFeaturePhase}. */
  public void send(Pdu pdu) {
    run(() -> {
      encoder.write(pdu, channel);
      channel.flush();
    });
  }

  /**
   * Waits until the system has taken all that was sent, or the connection has ended. Whoever sends
   * without end waits now and then: what the peer does not take is kept in memory.
   *
   * @return false if it has not after the timeout
   */
  public boolean awaitSent(Duration timeout) throws InterruptedException {
    CompletableFuture<@Nullable Void> sent = new CompletableFuture<>();
    run(() -> {
      Future<?> _ =
          channel.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(result -> sent.complete(null));
    });
    try {
      sent.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Sends bytes unchanged. */
  public void sendBytes(byte... bytes) {
    byte[] copy = bytes.clone();
    run(() -> {
      Future<?> _ = channel.writeAndFlush(Unpooled.wrappedBuffer(copy), channel.voidPromise());
    });
  }

  /** Sends the first {@code count} bytes of a PDU. */
  public void sendPart(Pdu pdu, int count) {
    byte[] whole = new byte[Pdu.BHS_LENGTH + pdu.ahs().length + pdu.data().remaining()];
    System.arraycopy(pdu.bhs(), 0, whole, 0, Pdu.BHS_LENGTH);
    System.arraycopy(pdu.ahs(), 0, whole, Pdu.BHS_LENGTH, pdu.ahs().length);
    byte[] data = pdu.dataBytes();
    System.arraycopy(data, 0, whole, whole.length - data.length, data.length);
    sendBytes(java.util.Arrays.copyOf(whole, count));
  }

  /**
   * Returns the next PDU that arrived.
   *
   * @throws TimeoutException if none arrived in time
   * @throws IscsiException if the connection was lost and the inbox is empty
   */
  public Pdu receive(Duration timeout)
      throws IscsiException, TimeoutException, InterruptedException {
    long deadline = System.nanoTime() + timeout.toNanos();
    while (true) {
      Pdu pdu = inbox.poll();
      if (pdu != null) {
        if (inbox.size() == INBOX / 2) {
          applyReading();
        }
        return pdu;
      }
      if (closed.isDone()) {
        throw closed.join();
      }
      long left = deadline - System.nanoTime();
      if (left <= 0) {
        throw new TimeoutException("no PDU within " + timeout.toMillis() + " ms");
      }
      // Short turns, since the connection's end does not wake the queue.
      pdu = inbox.poll(Math.min(left, 10_000_000L), TimeUnit.NANOSECONDS);
      if (pdu != null) {
        return pdu;
      }
    }
  }

  /** Stops reading from the socket, so that the peer's sends will eventually block. */
  public void stopReading() {
    reading = false;
    applyReading();
  }

  public void startReading() {
    reading = true;
    applyReading();
  }

  /**
   * Ends the login phase and sets the digests for both directions. Decoding stops at the last Login
   * Response until this call.
   */
  public void fullFeaturePhase(boolean headerDigest, boolean dataDigest) {
    run(() -> {
      encoder.use(headerDigest, dataDigest);
      decoder.resume(headerDigest, dataDigest);
      decode(Unpooled.EMPTY_BUFFER);
    });
  }

  /**
   * Waits until the peer has closed or reset the connection.
   *
   * @return false if it is still open after the timeout
   */
  public boolean awaitClosed(Duration timeout) throws InterruptedException {
    try {
      closed.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }

  public boolean isOpen() {
    return channel.isActive();
  }

  public SocketAddress localAddress() {
    return channel.localAddress();
  }

  public SocketAddress remoteAddress() {
    return channel.remoteAddress();
  }

  /** Resets the connection, like a crashed host. */
  public void reset() {
    run(() -> {
      channel.config().setOption(ChannelOption.SO_LINGER, 0);
      closeSoon();
    });
    closed.join();
  }

  /** Closes the connection normally and waits until it is closed here. */
  @Override
  public void close() {
    channel.close().awaitUninterruptibly();
  }

  /** Closes the connection normally, without waiting. */
  void closeSoon() {
    Future<?> _ = channel.close();
  }

  EventLoop eventLoop() {
    return channel.eventLoop();
  }

  /** On the event loop: writes without flushing. */
  void write(Pdu pdu) {
    encoder.write(pdu, channel);
  }

  /** On the event loop. */
  void flush() {
    channel.flush();
  }

  /** Closes the connection because of an error found here. On the event loop. */
  void fail(IscsiException cause) {
    if (failure == null) {
      failure = cause;
    }
    closeSoon();
  }

  /** Hands the connection over to a session, with everything in the inbox. */
  void takeOver(Receiver newReceiver) {
    run(() -> {
      receiver = newReceiver;
      try {
        for (Pdu pdu = inbox.poll(); pdu != null; pdu = inbox.poll()) {
          newReceiver.received(pdu);
        }
        newReceiver.readComplete();
      } catch (IscsiException e) {
        fail(e);
      }
      if (closed.isDone()) {
        newReceiver.closed(closed.join());
      }
    });
  }

  private void run(Runnable action) {
    if (channel.eventLoop().inEventLoop()) {
      action.run();
    } else {
      channel.eventLoop().execute(action);
    }
  }

  private void applyReading() {
    channel.config().setAutoRead(reading && inbox.size() < INBOX);
  }

  private void decode(ByteBuf in) {
    try {
      ByteBuf before = unread;
      if (before != null) {
        unread = null;
        try {
          decoder.decode(before);
          if (before.isReadable()) {
            unread = before.retain();
          }
        } finally {
          before.release();
        }
      }
      if (unread == null) {
        decoder.decode(in);
      }
      if (in.isReadable()) {
        ByteBuf rest = unread;
        unread =
            rest == null
                ? in.readRetainedSlice(in.readableBytes())
                : Unpooled.wrappedBuffer(rest, in.readRetainedSlice(in.readableBytes()));
      }
    } catch (IscsiException e) {
      fail(e);
    }
  }

  /** Passes decoded PDUs to the session or the inbox. */
  private final class Inbound implements PduDecoder.Sink {
    @Override
    public ByteBuffer destination(Pdu pdu, int length) throws IscsiException {
      Receiver session = receiver;
      return session == null ? ByteBuffer.allocate(length) : session.destination(pdu, length);
    }

    @Override
    public void received(Pdu pdu) throws IscsiException {
      Receiver session = receiver;
      if (session != null) {
        session.received(pdu);
        return;
      }
      inbox.add(pdu);
      if (inbox.size() >= INBOX) {
        applyReading();
      }
    }
  }

  private final class Handler extends ChannelInboundHandlerAdapter {
    static final io.netty.util.AttributeKey<RawConnection> CONNECTION =
        io.netty.util.AttributeKey.valueOf(RawConnection.class, "connection");

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      ByteBuf in = (ByteBuf) message;
      try {
        if (failure == null) {
          decode(in);
        }
      } finally {
        in.release();
      }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
      Receiver session = receiver;
      if (session != null) {
        session.readComplete();
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      ByteBuf rest = unread;
      if (rest != null) {
        unread = null;
        rest.release();
      }
      IscsiException cause = failure == null ? new IscsiException("connection closed") : failure;
      closed.complete(cause);
      Receiver session = receiver;
      if (session != null) {
        session.closed(cause);
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      fail(new IscsiException("connection lost: " + cause.getMessage(), cause));
    }
  }
}
