// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.rbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.ThreadScheduler;
import org.anabranch.block.count.Counts;
import org.anabranch.block.testing.TestCeph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
final class OwnerProbeTest {
  private static final long CALL = TimeUnit.SECONDS.toNanos(30);

  @Test
  void theAnswerOfAnOsdIsRead() {
    ByteBuffer reply = ByteBuffer.allocate(200).order(ByteOrder.LITTLE_ENDIAN);
    reply.putInt(2);
    reply.putLong(4121).putLong(94_000_000_000L).putInt(0);
    reply.putLong(4130).putLong(7).putInt(5).put(new byte[5]);
    reply.putInt(1).putLong(4140).putLong(8);
    assertThat(OwnerProbe.acknowledged(reply.flip())).containsExactlyInAnyOrder(4121L, 4130L);
    assertThat(OwnerProbe.acknowledged(ByteBuffer.allocate(0))).isEmpty();
  }

  /** The answers that do not need a process that stands still. */
  @Test
  void anOwnerThatLivesAnswersAlsoWhenItsOsdDoesNot() throws Exception {
    try (TestCeph ceph = TestCeph.require(false);
        ThreadScheduler scheduler = new ThreadScheduler("rbd test")) {
      RbdImage image = new RbdImage(ceph.conf().toString(), "admin", "rbd", "", "probed");
      RbdImages.make(image, 16 << 20, CALL);
      RbdDevice owner = RbdDevice.open("vm1", image, RbdOptions.DEFAULT, scheduler);
      String address = owner.label(RbdClient.HOLDER).split(" ", -1)[0];
      RbdContender contender = new RbdContender("vm1", image, scheduler, new Counts());
      try (RbdClient client = RbdClient.join(image, false)) {
        OwnerProbe probe = client.probe();
        assertThat(probe.ask(address)).isEqualTo(OwnerProbe.Answer.ALIVE);
        assertThat(probe.ask("127.0.0.1:0/1")).isEqualTo(OwnerProbe.Answer.GONE);
        assertThat(probe.ask(address, 3)).isEqualTo(OwnerProbe.Answer.ALIVE);
        ceph.stopOsd();
        CompletableFuture<OwnerProbe.Answer> late = new CompletableFuture<>();
        Thread.ofPlatform()
            .daemon()
            .start(() -> {
              try {
                late.complete(probe.ask(address));
              } catch (Exception e) {
                late.completeExceptionally(e);
              }
            });
        try {
          assertThatThrownBy(() -> late.get(2, TimeUnit.SECONDS)).hasMessage(null);
        } finally {
          ceph.continueOsd();
        }
        assertThat(late.get(60, TimeUnit.SECONDS)).isNotEqualTo(OwnerProbe.Answer.SILENT);
        assertThatThrownBy(() -> contender.tryLock(RbdOptions.DEFAULT, 2))
            .isInstanceOf(RbdHeldException.class);
        assertThatThrownBy(() -> contender.tryLock(RbdOptions.DEFAULT, 2))
            .as("by the same client")
            .isInstanceOf(RbdHeldException.class);
        owner.close().toCompletableFuture().get(30, TimeUnit.SECONDS);
        RbdDevice next = contender.tryLock(RbdOptions.DEFAULT, 2);
        assertThat(next.departure()).isNull();
        next.close().toCompletableFuture().get(30, TimeUnit.SECONDS);
      } finally {
        contender.close();
      }
    }
  }
}
