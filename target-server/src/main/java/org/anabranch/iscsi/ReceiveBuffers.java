// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.util.UncheckedBooleanSupplier;

/**
 * Where a connection's next bytes are received:
 *
 * <pre>
 *   within a long data segment   where the segment goes: it is not copied again
 *   behind one                   a small buffer, for the next header and as little of its data as may be
 *   else                         a buffer for as much as came lately: a few commands
 * </pre>
 *
 * Owned by the connection's event loop.
 */
final class ReceiveBuffers implements RecvByteBufAllocator {
  private static final int LEAST = 2048;
  private static final int USUAL = 16384;
  private static final int MOST = 262144;

  private final PduDecoder decoder;

  ReceiveBuffers(PduDecoder decoder) {
    this.decoder = decoder;
  }

  @Override
  @SuppressWarnings("deprecation") // the interface has no other word for it
  public Handle newHandle() {
    return new Buffers(new AdaptiveRecvByteBufAllocator(LEAST, USUAL, MOST).newHandle());
  }

  private final class Buffers extends DelegatingHandle implements ExtendedHandle {
    @SuppressWarnings("deprecation")
    Buffers(Handle adaptive) {
      super(adaptive);
    }

    @Override
    public ByteBuf allocate(ByteBufAllocator allocator) {
      ByteBuf lent = decoder.lend();
      if (lent != null) {
        return lent;
      }
      return decoder.isBehindLongData() ? allocator.ioBuffer(LEAST) : super.allocate(allocator);
    }

    @Override
    public boolean continueReading(UncheckedBooleanSupplier maybeMore) {
      return ((ExtendedHandle) delegate()).continueReading(maybeMore);
    }
  }
}
