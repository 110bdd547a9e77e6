// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.Channel;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Session;
import org.anabranch.iscsi.LoginWire;
import org.anabranch.iscsi.TestTarget;
import org.anabranch.iscsi.server.ServerInsides;
import org.junit.jupiter.api.Test;

/** Direct memory ends: that costs the connections that need some, and nothing else. */
final class NoMemoryTest {
  /** Has none left. */
  private static final class Empty extends AbstractByteBufAllocator {
    @Override
    protected ByteBuf newHeapBuffer(int initialCapacity, int maxCapacity) {
      return UnpooledByteBufAllocator.DEFAULT.heapBuffer(initialCapacity, maxCapacity);
    }

    @Override
    protected ByteBuf newDirectBuffer(int initialCapacity, int maxCapacity) {
      throw new OutOfMemoryError("none left, says the test");
    }

    @Override
    public boolean isDirectBufferPooled() {
      return false;
    }
  }

  @Test
  void forTheResponsesToCommandsThatEndTogether() throws Exception {
    try (TestTarget target = new TestTarget()) {
      Session neighbour = target.login();
      long places = ServerInsides.heldForPlaces(target.server);
      long memory = ServerInsides.memory(target.server).free();
      LoginWire wire = target.wire(Map.of("ImmediateData", "Yes"));
      target.disk.hold();
      for (int i = 0; i < 3; i++) {
        wire.send(wire.write(8 * i, 8, true).data(new byte[4096]));
      }
      target.disk.awaitHeld(3);
      Channel channel =
          ServerInsides.sessions(target.server).all().stream()
              .map(org.anabranch.iscsi.session.Session::connection)
              .filter(c -> c.remoteAddress().equals(wire.connection.localAddress()))
              .findFirst()
              .orElseThrow()
              .channel();
      CountDownLatch allEnded = new CountDownLatch(1);
      var _ =
          channel
              .eventLoop()
              .submit(() -> {
                channel.config().setAllocator(new Empty());
                allEnded.await();
                return null;
              });
      target.disk.letGo();
      allEnded.countDown();
      wire.expectClosed();
      Await.until("the session is gone", () -> target.server.sessionInfos().size() == 1);
      Await.until("places are back", () -> ServerInsides.heldForPlaces(target.server) <= places);
      Await.until("memory is back", () -> ServerInsides.memory(target.server).free() == memory);
      assertThat(TestTarget.read(neighbour, 0, 8).isGood()).isTrue();
    }
  }
}
