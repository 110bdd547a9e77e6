// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.socket.DuplexChannel;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.anabranch.block.count.Counters;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One TCP connection: its bytes, its StatSN, its end. What its PDUs mean is up to its phase: login,
 * then full feature phase.
 *
 * <p>All is owned by the channel's event loop, which also owns the session, since a session has one
 * connection. A connection ends for one reason, said once in the log.
 */
public final class Connection extends ChannelInboundHandlerAdapter {
  /** A phase of a connection. */
  public interface Phase extends PduDecoder.Receiver {
    /** The channel takes more to send again, after it did not. */
    default void writable() {}

    /** The connection is gone; called once, last of all. */
    void closed();
  }

  private static final Logger LOG = LoggerFactory.getLogger(Connection.class);

  /** For the last PDU to reach a peer that reads slowly, or is still sending. */
  private static final long LINGER_SECONDS = 2;

  private final Consumer<Connection> closed;
  private final Counters<ConnectionCounter> counters;
  private final Channel channel;
  private final PduDecoder decoder;
  private final PduEncoder encoder;
  private final SendTimeout sendTimeout;
  private Phase phase;
  private int statSn;
  private @Nullable ByteBuf leftover;
  private boolean paused;
  private int pauses;
  private boolean closing;

  /** What the peer still sends is thrown away. */
  private boolean deaf;

  private long receivedAt;
  private String peer;

  /**
   * A connection that is open; it is to be added to the channel's pipeline.
   *
   * @param counters of the server
   * @param sendTimeout after so long a peer that reads nothing is dropped
   * @param first makes the first phase
   * @param closed is called when the connection is gone, after {@link Phase#closed}
   */
  public Connection(
      Channel channel,
      Counters<ConnectionCounter> counters,
      Duration sendTimeout,
      Function<Connection, Phase> first,
      Consumer<Connection> closed) {
    this.closed = closed;
    this.counters = counters;
    this.channel = channel;
    this.encoder = new PduEncoder(channel.alloc());
    this.peer = String.valueOf(channel.remoteAddress());
    this.sendTimeout = new SendTimeout(channel, sendTimeout, () -> drop("it reads nothing"));
    this.phase = first.apply(this);
    this.decoder = new PduDecoder(phase);
    this.receivedAt = System.nanoTime();
    channel.config().setRecvByteBufAllocator(new ReceiveBuffers(this));
  }

  /** Makes the buffer that the first connection needs, which takes longer than for later ones. */
  public static void preload() {
    PooledByteBufAllocator.DEFAULT.directBuffer(ReceiveBuffers.USUAL).release();
  }

  /** What the connections of the server count. */
  public Counters<ConnectionCounter> counters() {
    return counters;
  }

  public Channel channel() {
    return channel;
  }

  public PduEncoder encoder() {
    return encoder;
  }

  public InetSocketAddress remoteAddress() {
    return (InetSocketAddress) channel.remoteAddress();
  }

  public InetSocketAddress localAddress() {
    return (InetSocketAddress) channel.localAddress();
  }

  /** When a byte last came in, by {@link System#nanoTime}. */
  public long receivedAt() {
    return receivedAt;
  }

  /** How often it was told to {@link #pause}. */
  public int pauses() {
    return pauses;
  }

  /** Who is at the other end, for the log. */
  public void peer(String name) {
    peer = name + " (" + channel.remoteAddress() + ")";
  }

  public String peer() {
    return peer;
  }

  public int statSn() {
    return statSn;
  }

  /** The number for a PDU that carries a status. */
  public int nextStatSn() {
    return statSn++;
  }

  /** Goes on to the next phase and its digests, from the next PDU on, both ways. */
  public void enter(Phase next, Digests digests) {
    phase = next;
    decoder.receiver(next);
    decoder.digests(digests);
    encoder.digests(digests);
  }

  public boolean isClosing() {
    return closing;
  }

  /** Queues a PDU for the next flush. */
  public void send(ByteBuf pdu) {
    sendTimeout.queued(pdu.readableBytes());
    var _ = channel.write(pdu, channel.voidPromise());
  }

  /** As {@link #send(ByteBuf)}, and tells when the channel is done with it. */
  public void send(ByteBuf pdu, ChannelPromise sent) {
    sendTimeout.queued(pdu.readableBytes());
    var _ = channel.write(pdu, sent);
  }

  public void send(ByteBuffer header, byte[] data) {
    send(encoder.frame(header, data));
  }

  public void flush() {
    channel.flush();
    sendTimeout.watch();
  }

  /** Takes no more PDUs until {@link #resume}. */
  public void pause() {
    if (deaf) {
      return;
    }
    paused = true;
    pauses++;
    decoder.halt();
    channel.config().setAutoRead(false);
  }

  public void resume() {
    if (!paused || deaf) {
      return;
    }
    paused = false;
    decoder.resume();
    ByteBuf in = leftover;
    leftover = null;
    if (in != null) {
      decode(in);
    }
    if (!paused && !deaf) {
      channel.config().setAutoRead(true);
    }
    flush();
  }

  /** Ends the connection for a fault of the peer's or of the line; one line in the log. */
  public void drop(String reason) {
    if (!closing) {
      LOG.warn("{}: connection dropped: {}", peer, reason);
      counters.increment(ConnectionCounter.DROPPED);
      close();
    }
  }

  /** Does something, which ends this connection and nothing else if it cannot be done. */
  public void attempt(Runnable action) {
    try {
      action.run();
    } catch (RuntimeException | OutOfMemoryError e) {
      fail(e);
    }
  }

  /** {@link #attempt}, in a while, unless the connection is over by then. */
  public void later(long seconds, Runnable action) {
    var _ =
        channel
            .eventLoop()
            .schedule(
                () -> {
                  if (!closing) {
                    attempt(action);
                    flush();
                  }
                },
                seconds,
                TimeUnit.SECONDS);
  }

  /** A fault of ours, out of direct memory among them. */
  private void fail(Throwable fault) {
    LOG.error("{}: connection dropped after an internal error", peer, fault);
    counters.increment(ConnectionCounter.DROPPED);
    close();
  }

  /**
   * Ends the connection once the peer has what is queued: our side is closed behind it, and what
   * the peer still sends is thrown away until it closes its own, for {@value #LINGER_SECONDS}
   * seconds at most. Closing with its bytes unread would make TCP throw away ours with a reset.
   */
  public void closeAfterSending() {
    if (closing) {
      return;
    }
    closing = true;
    ignoreInput();
    var _ =
        channel
            .writeAndFlush(channel.alloc().buffer(0))
            .addListener(sent -> {
              if (sent.isSuccess()) {
                var _ = ((DuplexChannel) channel).shutdownOutput();
              } else {
                close();
              }
            });
    var _ = channel.eventLoop().schedule(this::close, LINGER_SECONDS, TimeUnit.SECONDS);
  }

  /** Throws away what the peer sends from here on, while answers may still go out. */
  public void ignoreInput() {
    deaf = true;
    decoder.halt();
    forgetLeftover();
    channel.config().setAutoRead(true);
  }

  /** Ends the connection now. */
  public void close() {
    closing = true;
    deaf = true;
    decoder.halt();
    var _ = channel.close();
  }

  /** Where the bytes that come next belong, see {@link PduDecoder#room}. */
  @Nullable ByteBuf room(int least) {
    return deaf || leftover != null ? null : decoder.room(least);
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    ByteBuf in = (ByteBuf) message;
    receivedAt = System.nanoTime();
    if (deaf) {
      in.release();
    } else if (leftover != null) {
      leftover =
          channel
              .alloc()
              .buffer(leftover.readableBytes() + in.readableBytes())
              .writeBytes(leftover)
              .writeBytes(in);
      in.release();
    } else {
      decode(in);
    }
  }

  private void forgetLeftover() {
    if (leftover != null) {
      leftover.release();
      leftover = null;
    }
  }

  /** Takes {@code in} over. */
  private void decode(ByteBuf in) {
    boolean kept = false;
    try {
      decoder.decode(in);
      if (paused && !deaf && in.isReadable()) {
        leftover = in;
        kept = true;
      }
    } catch (RuntimeException | OutOfMemoryError e) {
      fail(e);
    } finally {
      if (!kept) {
        in.release();
      }
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext context) {
    flush();
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext context) {
    if (channel.isWritable()) {
      phase.writable();
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    closing = true;
    deaf = true;
    decoder.close();
    forgetLeftover();
    sendTimeout.cancel();
    phase.closed();
    closed.accept(this);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    drop(String.valueOf(cause.getMessage()));
  }
}
