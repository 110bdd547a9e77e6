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
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.anabranch.block.count.Counters;
import org.anabranch.iscsi.shares.UnsentBytes;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * One TCP connection: its bytes, its StatSN, its end. Its phase interprets the PDUs: login, then
 * full feature phase.
 *
 * <p>Owned by the channel's event loop, which also owns the session, since a session has one
 * connection. The reason why a connection ends is logged once.
 */
public final class Connection extends ChannelInboundHandlerAdapter {
  /** A phase of a connection. */
  public interface Phase extends PduDecoder.Receiver {
    /** The channel is writable again. */
    default void writable() {}

    /** The connection is closed. Called once, after all others. */
    void closed();
  }

  /** Who counts the connections of a server. Called by the connection's event loop. */
  public interface Watcher {
    /** The peer has sent something for the first time, which was not looked at yet. */
    void spoke(Connection connection);

    /** The connection is gone. Called once, after {@link Phase#closed}. */
    void closed(Connection connection);
  }

  /** Why nothing is taken from a peer for a while. */
  public enum Pause {
    /** Its login waits for something. */
    LOGIN,
    /** It does not read what was sent to it. */
    UNREAD,
    /** It has sent as much as it may for now. */
    SHARE
  }

  private static final AtomicLong NUMBERS = new AtomicLong();
  private static final Logger LOG = LoggerFactory.getLogger(Connection.class);

  /** PDUs of one connection that are taken in one turn of the event loop. */
  private static final int MAX_PER_TURN = 256;

  /** How long the last PDU may take to reach a peer that reads slowly or is still sending. */
  private static final long LINGER_SECONDS = 2;

  private final Watcher watcher;
  private final Counters<ConnectionCounter> counters;
  private final Channel channel;
  private final PduDecoder decoder;
  private final PduEncoder encoder;
  private final SendQueue queue;
  private final ReceiveTimeout receiveTimeout;
  private Phase phase;
  private int statSn;
  private @Nullable ByteBuf leftover;
  private final Set<Pause> paused = EnumSet.noneOf(Pause.class);
  private int pauses;
  private boolean closing;

  /** Further bytes of the peer are discarded. */
  private boolean deaf;

  private long receivedAt;
  private long received;

  /** PDUs that were taken since the loop came here last. */
  private int turn;

  /** For the log: no two connections of a process have the same. */
  private final long number = NUMBERS.incrementAndGet();

  private final Peer address;
  private String peer;
  private volatile int session; // read by others for the log

  /**
   * Makes the handler of an open connection. The caller adds it to the channel's pipeline.
   *
   * @param counters of the server
   * @param unsent what waits for peers to read it, over all connections
   * @param sendTimeout how long a peer may read nothing, or next to nothing, before it is dropped
   * @param othersWait whether sessions wait for the memory that data for slow peers holds
   * @param receiveTimeout the same as {@code sendTimeout} for the rest of a PDU that it has begun
   *     to send
   * @param first makes the first phase
   * @param watcher is told of the first byte and of the end
   */
  public Connection(
      Channel channel,
      Counters<ConnectionCounter> counters,
      UnsentBytes unsent,
      Duration sendTimeout,
      BooleanSupplier othersWait,
      Duration receiveTimeout,
      Function<Connection, Phase> first,
      Watcher watcher) {
    this.watcher = watcher;
    this.counters = counters;
    this.channel = channel;
    this.encoder = new PduEncoder(channel.alloc());
    this.address = Peer.of(channel.remoteAddress());
    this.peer = address.text();
    this.queue =
        new SendQueue(
            channel,
            unsent,
            sendTimeout,
            othersWait,
            () -> drop("it reads nothing, or next to nothing"),
            this::drained);
    this.receiveTimeout =
        new ReceiveTimeout(
            channel.eventLoop(),
            receiveTimeout,
            this::incomplete,
            () -> drop("the rest of a PDU does not come"));
    this.phase = first.apply(this);
    this.decoder = new PduDecoder(phase);
    this.receivedAt = now();
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

  /** The clock of the connection's event loop, in nanoseconds from any point on. */
  public long now() {
    return channel.eventLoop().ticker().nanoTime();
  }

  /** When a byte last came in, by {@link #now}. */
  public long receivedAt() {
    return receivedAt;
  }

  /** How many bytes have come in. */
  public long received() {
    return received;
  }

  /** How often the connection was paused. */
  public int pauses() {
    return pauses;
  }

  /** The initiator has said its name. */
  public void initiator(String name) {
    peer = "initiator " + name + " from " + address;
  }

  /** The connection belongs to a session from now on. */
  public void session(int tsih) {
    session = tsih;
  }

  /** Who is at the other end, for the log: an initiator, or an address. */
  public String peer() {
    return peer;
  }

  /**
   * Adds the number of this connection, of its session if it has one, and the peer's address to a
   * line of the log.
   */
  public LoggingEventBuilder in(LoggingEventBuilder line) {
    LoggingEventBuilder numbered = line.addKeyValue("connection", number);
    return address.in(session == 0 ? numbered : numbered.addKeyValue("session", session));
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
    queue.queued(pdu.readableBytes());
    var _ = channel.write(pdu, channel.voidPromise());
  }

  /** As {@link #send(ByteBuf)}, and tells when the channel is done with it. */
  public void send(ByteBuf pdu, ChannelPromise sent) {
    queue.queued(pdu.readableBytes());
    var _ = channel.write(pdu, sent);
  }

  public void send(ByteBuffer header, byte[] data) {
    send(encoder.frame(header, data));
  }

  public void flush() {
    channel.flush();
    queue.flushed();
  }

  /**
   * Whether so much waits for the peer to read that nothing more should be taken from it.
   *
   * @param frugal whether little is too much
   */
  public boolean isBackedUp(boolean frugal) {
    return queue.isFull(frugal);
  }

  /**
   * Takes no more PDUs while the connection is backed up. When the peer has read some of what
   * waits, the phase is told ({@link Phase#writable}), and resumes.
   */
  public void pauseIfBackedUp(boolean frugal) {
    if (!isBackedUp(frugal)) {
      return;
    }
    // Only what a flush leaves behind is watched: the peer is not waited for before there was one.
    flush();
    if (isBackedUp(frugal)) {
      pause(Pause.UNREAD);
    }
  }

  private void drained() {
    if (!closing) {
      queue.flushed();
      attempt(phase::writable);
    }
  }

  /** Takes no more PDUs until {@link #resume}. */
  public void pause(Pause reason) {
    if (deaf) {
      return;
    }
    if (paused.isEmpty()) {
      pauses++;
      decoder.halt();
      channel.config().setAutoRead(false);
    }
    paused.add(reason);
  }

  /** Takes no more PDUs for this long. */
  public void pauseFor(long nanos) {
    if (deaf || paused.contains(Pause.SHARE)) {
      return;
    }
    pause(Pause.SHARE);
    var _ =
        channel
            .eventLoop()
            .schedule(() -> attempt(() -> resume(Pause.SHARE)), nanos, TimeUnit.NANOSECONDS);
  }

  /**
   * A PDU was taken. When there are many in one turn of the event loop, the rest waits for the next
   * one, in which others have theirs.
   */
  public void taken() {
    if (++turn >= MAX_PER_TURN) {
      turn = 0;
      pauseFor(1); // a task without delay could come before the others' sockets are read
    }
  }

  /** The reason is over. If there is no other one, takes PDUs again. */
  public void resume(Pause reason) {
    if (!paused.remove(reason) || !paused.isEmpty() || deaf) {
      return;
    }
    turn = 0;
    decoder.resume();
    ByteBuf in = leftover;
    leftover = null;
    if (in != null) {
      decode(in);
    }
    if (paused.isEmpty() && !deaf) {
      channel.config().setAutoRead(true);
    }
    flush();
    receiveTimeout.watch();
  }

  /** Closes the connection because of an error of the peer or the network, and logs it. */
  public void drop(String reason) {
    if (!closing) {
      in(LOG.atWarn()).log("{}: connection dropped: {}", peer, reason);
      counters.increment(ConnectionCounter.DROPPED);
      close();
    }
  }

  /** Closes the connection, which has just begun to speak, because of a limit. */
  public void refuse(String reason) {
    if (!closing) {
      in(LOG.atWarn()).log("{}: connection refused: {}", peer, reason);
      counters.increment(ConnectionCounter.REFUSED);
      close();
    }
  }

  /** Closes the connection because another one needs its place before login. */
  public void displace() {
    if (!closing) {
      in(LOG.atWarn())
          .log("{}: connection closed before login: a newer one needed its place", peer);
      counters.increment(ConnectionCounter.DISPLACED);
      close();
    }
  }

  /** Runs an action. If it throws, only this connection is closed. */
  public void attempt(Runnable action) {
    try {
      action.run();
    } catch (RuntimeException | OutOfMemoryError e) {
      fail(e);
    }
  }

  /** {@link #attempt} after a delay, unless the connection is closed by then. */
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

  /** An internal error, such as lack of direct memory. */
  private void fail(Throwable fault) {
    in(LOG.atError()).setCause(fault).log("{}: connection dropped after an internal error", peer);
    counters.increment(ConnectionCounter.DROPPED);
    close();
  }

  /**
   * Closes the connection after everything queued has been sent. First our side is shut down; bytes
   * that the peer still sends are discarded until it closes its side, for {@value #LINGER_SECONDS}
   * seconds at most. To close with unread bytes would make TCP reset the connection, which may
   * discard the data in flight.
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

  /** Discards further bytes of the peer, while answers can still be sent. */
  public void ignoreInput() {
    deaf = true;
    decoder.halt();
    forgetLeftover();
    channel.config().setAutoRead(true);
  }

  /** Closes the connection now. */
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
    receivedAt = now();
    if (received == 0) {
      watcher.spoke(this);
    }
    received += in.readableBytes();
    if (deaf) {
      in.release();
    } else if (leftover != null) {
      ByteBuf before = leftover;
      leftover =
          channel
              .alloc()
              .buffer(before.readableBytes() + in.readableBytes())
              .writeBytes(before)
              .writeBytes(in);
      before.release();
      in.release();
    } else {
      decode(in);
    }
  }

  private ReceiveTimeout.@Nullable Progress incomplete() {
    return deaf || !paused.isEmpty() || !decoder.isInside()
        ? null
        : new ReceiveTimeout.Progress(decoder.completed(), received, pauses);
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
      if (!paused.isEmpty() && !deaf && in.isReadable()) {
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
    turn = 0;
    flush();
    receiveTimeout.watch();
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
    queue.close();
    receiveTimeout.stop();
    phase.closed();
    watcher.closed(this);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    drop(String.valueOf(cause.getMessage()));
  }
}
