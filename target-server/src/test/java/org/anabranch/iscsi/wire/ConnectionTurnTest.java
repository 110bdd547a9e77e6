// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.count.Counts;
import org.anabranch.iscsi.shares.UnsentBytes;
import org.junit.jupiter.api.Test;

/** How many PDUs a connection may bring in one turn of its event loop. */
final class ConnectionTurnTest {
  private static final int BUDGET = 256;

  private final EmbeddedChannel channel =
      new EmbeddedChannel() {
        @Override
        protected SocketAddress remoteAddress0() {
          return new InetSocketAddress(InetAddress.getLoopbackAddress(), 1);
        }
      };
  private int taken;

  /** Takes everything. */
  private final class Taker implements Connection.Phase {
    private final Connection connection;

    Taker(Connection connection) {
      this.connection = connection;
    }

    @Override
    public boolean fits(Pdu pdu) {
      return true;
    }

    @Override
    public void begin(Pdu pdu) {}

    @Override
    public void complete(Pdu pdu, boolean digestRight) {
      taken++;
      connection.taken();
    }

    @Override
    public void headerDigestWrong() {}

    @Override
    public void closed() {}
  }

  private void oneTurn() {
    channel.advanceTimeBy(1, TimeUnit.MILLISECONDS);
    channel.runScheduledPendingTasks();
    channel.runPendingTasks();
  }

  @Test
  void theRestWaitsForTheNextTurn() {
    channel.freezeTime();
    Connection connection =
        new Connection(
            channel,
            new Counts().counters(ConnectionCounter.class),
            new UnsentBytes(1 << 20),
            Duration.ofSeconds(30),
            () -> false,
            Duration.ofSeconds(10),
            Taker::new,
            new Connection.Watcher() {
              @Override
              public void spoke(Connection connection) {}

              @Override
              public void closed(Connection connection) {}
            });
    channel.pipeline().addLast(connection);
    ByteBuf pings = Unpooled.buffer().writeZero(48 * (2 * BUDGET + 100));
    var _ = channel.writeOneInbound(pings);
    channel.flushInbound();
    assertThat(taken).isEqualTo(BUDGET);
    assertThat(channel.config().isAutoRead()).as("more is read").isFalse();
    ByteBuf more = Unpooled.buffer().writeZero(48 * 10);
    var _ = channel.writeOneInbound(more);
    assertThat(pings.refCnt()).as("what came first is given back").isZero();
    assertThat(more.refCnt()).isZero();
    oneTurn();
    assertThat(taken).isEqualTo(2 * BUDGET);
    oneTurn();
    assertThat(taken).isEqualTo(2 * BUDGET + 110);
    assertThat(channel.config().isAutoRead()).isTrue();
    channel.finishAndReleaseAll();
  }
}
