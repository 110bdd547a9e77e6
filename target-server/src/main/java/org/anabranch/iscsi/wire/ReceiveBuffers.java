// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.util.UncheckedBooleanSupplier;

/**
 * Chooses the memory into which a connection's socket is read. Normally that is a buffer for a few
 * commands, which grows with the amount of data received recently. When the rest of a long data
 * segment is due, it is the buffer of the task, so that only the kernel copies the data.
 *
 * <p>After such a read a short buffer is used for the next header: a long one would also receive
 * the data that follows, which would then have to be copied. Owned by the connection's event loop.
 */
final class ReceiveBuffers implements RecvByteBufAllocator {
  static final int USUAL = 16384;

  private static final int LEAST = 2048;
  private static final int MOST = 262144;

  /** Less is copied faster than a system call is made. */
  private static final int LONG_SEGMENT = 8192;

  private static final int HEADER = 512;

  private final Connection connection;
  private final AdaptiveRecvByteBufAllocator usual =
      new AdaptiveRecvByteBufAllocator(LEAST, USUAL, MOST);

  ReceiveBuffers(Connection connection) {
    this.connection = connection;
  }

  @Override
  @SuppressWarnings("deprecation") // Netty has no other type for it
  public Handle newHandle() {
    return new InPlace(usual.newHandle());
  }

  @SuppressWarnings("deprecation") // as above
  private final class InPlace extends DelegatingHandle implements ExtendedHandle {
    private boolean behindSegment;

    InPlace(Handle usual) {
      super(usual);
    }

    @Override
    public ByteBuf allocate(ByteBufAllocator allocator) {
      ByteBuf room = connection.room(LONG_SEGMENT);
      if (room != null) {
        behindSegment = true;
        return room;
      }
      if (behindSegment) {
        behindSegment = false;
        return allocator.ioBuffer(HEADER, HEADER);
      }
      return delegate().allocate(allocator);
    }

    @Override
    public boolean continueReading(UncheckedBooleanSupplier maybeMore) {
      return ((ExtendedHandle) delegate()).continueReading(maybeMore);
    }
  }
}
