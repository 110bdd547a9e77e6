// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.sim;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.AbstractChannel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelMetadata;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelConfig;
import io.netty.channel.EventLoop;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.socket.DuplexChannel;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * The target's end of a {@link SimLink}: reads and writes as Netty's channel of a TCP socket does,
 * with a receive buffer that the link fills and a send buffer of bounded room. Owned by its event
 * loop.
 */
final class SimChannel extends AbstractChannel implements DuplexChannel {
  private static final ChannelMetadata METADATA = new ChannelMetadata(false, 16);

  private final SimLink link;
  private final InetSocketAddress local;
  private final InetSocketAddress remote;
  private final DefaultChannelConfig config = new DefaultChannelConfig(this);
  private final ArrayDeque<byte[]> input = new ArrayDeque<>();

  /** Bytes of the first piece of input that were read. */
  private int taken;

  private boolean ended;
  private boolean readWanted;
  private boolean open = true;
  private boolean outputShut;

  SimChannel(
      SimLink link, InetSocketAddress local, InetSocketAddress remote, ByteBufAllocator memory) {
    super(null);
    this.link = link;
    this.local = local;
    this.remote = remote;
    config.setAllocator(memory);
    config.setWriteBufferWaterMark(new WriteBufferWaterMark(1 << 18, 1 << 20));
  }

  // --- what the link says, as events of the loop ---------------------------------------------

  /** Bytes have come. */
  void arrived(byte[] bytes) {
    eventLoop()
        .execute(() -> {
          input.add(bytes);
          readInput();
        });
  }

  /** The peer sends no more. */
  void arrivedEnd() {
    eventLoop()
        .execute(() -> {
          ended = true;
          readInput();
        });
  }

  /** The connection was reset. */
  void reset() {
    eventLoop()
        .execute(() -> {
          input.clear();
          unsafe().close(voidPromise());
        });
  }

  /** There is room to send again. */
  void room() {
    eventLoop()
        .execute(() -> {
          if (open) {
            ((Ends) unsafe()).goOn();
          }
        });
  }

  @SuppressWarnings("deprecation") // Netty has no other type for the handle
  private void readInput() {
    if (!open || !readWanted || (input.isEmpty() && !ended)) {
      return;
    }
    readWanted = false;
    RecvByteBufAllocator.Handle handle = unsafe().recvBufAllocHandle();
    handle.reset(config);
    do {
      ByteBuf buffer = handle.allocate(config.getAllocator());
      handle.attemptedBytesRead(buffer.writableBytes());
      int count = take(buffer);
      handle.lastBytesRead(count);
      if (count == 0) {
        buffer.release();
        break;
      }
      handle.incMessagesRead(1);
      pipeline().fireChannelRead(buffer);
    } while (handle.continueReading());
    handle.readComplete();
    pipeline().fireChannelReadComplete();
    if (open && input.isEmpty() && ended) {
      unsafe().close(voidPromise());
    } else if (open && readWanted) {
      eventLoop().execute(this::readInput);
    }
  }

  private int take(ByteBuf to) {
    int count = 0;
    while (!input.isEmpty() && to.isWritable()) {
      byte[] first = input.element();
      int part = Math.min(first.length - taken, to.writableBytes());
      to.writeBytes(first, taken, part);
      taken += part;
      count += part;
      if (taken == first.length) {
        input.remove();
        taken = 0;
      }
    }
    link.readByTarget(count);
    return count;
  }

  // --- what Netty asks for -------------------------------------------------------------------

  private final class Ends extends AbstractUnsafe {
    @Override
    public void connect(SocketAddress to, SocketAddress from, ChannelPromise promise) {
      throw new UnsupportedOperationException();
    }

    void goOn() {
      flush0();
    }
  }

  @Override
  protected AbstractUnsafe newUnsafe() {
    return new Ends();
  }

  @Override
  protected void doBeginRead() {
    readWanted = true;
    if (!input.isEmpty() || ended) {
      eventLoop().execute(this::readInput);
    }
  }

  @Override
  protected void doWrite(ChannelOutboundBuffer out) {
    while (out.current() instanceof ByteBuf buffer) {
      int count = Math.min(buffer.readableBytes(), link.roomForTarget());
      if (count == 0 && buffer.isReadable()) {
        return; // until room()
      }
      byte[] bytes = new byte[count];
      buffer.getBytes(buffer.readerIndex(), bytes);
      out.removeBytes(count);
      if (count == 0) {
        out.remove();
      } else {
        link.sendFromTarget(bytes);
      }
    }
  }

  @Override
  protected void doClose() {
    open = false;
    input.clear();
    link.closedByTarget();
  }

  @Override
  protected void doDisconnect() {
    doClose();
  }

  @Override
  protected void doShutdownOutput() {
    outputShut = true;
    link.endFromTarget();
  }

  @Override
  protected void doBind(SocketAddress address) {
    throw new UnsupportedOperationException();
  }

  @Override
  protected boolean isCompatible(EventLoop loop) {
    return loop instanceof SimEventLoop;
  }

  @Override
  protected SocketAddress localAddress0() {
    return local;
  }

  @Override
  protected SocketAddress remoteAddress0() {
    return remote;
  }

  @Override
  public ChannelConfig config() {
    return config;
  }

  @Override
  public boolean isOpen() {
    return open;
  }

  @Override
  public boolean isActive() {
    return open;
  }

  @Override
  public ChannelMetadata metadata() {
    return METADATA;
  }

  @Override
  public @Nullable InetSocketAddress remoteAddress() {
    return remote;
  }

  @Override
  public boolean isInputShutdown() {
    return ended;
  }

  @Override
  public boolean isOutputShutdown() {
    return outputShut;
  }

  @Override
  public boolean isShutdown() {
    return ended && outputShut;
  }

  @Override
  public ChannelFuture shutdownOutput() {
    return shutdownOutput(newPromise());
  }

  @Override
  public ChannelFuture shutdownOutput(ChannelPromise promise) {
    ((AbstractUnsafe) unsafe()).shutdownOutput(promise);
    return promise;
  }

  @Override
  public ChannelFuture shutdownInput() {
    throw new UnsupportedOperationException();
  }

  @Override
  public ChannelFuture shutdownInput(ChannelPromise promise) {
    throw new UnsupportedOperationException();
  }

  @Override
  public ChannelFuture shutdown() {
    throw new UnsupportedOperationException();
  }

  @Override
  public ChannelFuture shutdown(ChannelPromise promise) {
    throw new UnsupportedOperationException();
  }
}
