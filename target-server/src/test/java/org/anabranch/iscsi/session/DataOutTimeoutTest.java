// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.embedded.EmbeddedChannel;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.Response;
import org.anabranch.initiator.Session;
import org.anabranch.iscsi.LogWatch;
import org.anabranch.iscsi.LoginWire;
import org.anabranch.iscsi.TestTarget;
import org.anabranch.iscsi.Wire;
import org.anabranch.iscsi.server.ServerInsides;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A peer that keeps back the data that it was asked for, and memory with it. */
final class DataOutTimeoutTest {
  private final EmbeddedChannel channel = new EmbeddedChannel();
  private DataOutTimeout.@Nullable Progress progress;
  private int missed;
  private boolean othersWait;
  private final DataOutTimeout watch =
      new DataOutTimeout(
          channel.eventLoop(),
          Duration.ofSeconds(30),
          () -> othersWait,
          () -> progress,
          () -> missed++);

  @BeforeEach
  void freeze() {
    channel.freezeTime();
  }

  @AfterEach
  void close() {
    channel.finishAndReleaseAll();
  }

  private void missing(long sequence, long bytes, long received, int pauses) {
    progress = new DataOutTimeout.Progress(sequence, bytes, received, pauses);
  }

  private void secondsPass(int seconds) {
    for (int i = 0; i < seconds; i++) {
      channel.advanceTimeBy(1, TimeUnit.SECONDS);
      channel.runScheduledPendingTasks();
    }
  }

  @Test
  void noByteInTheTime() {
    missing(1, 0, 0, 0);
    watch.watch();
    secondsPass(29);
    assertThat(missed).isZero();
    secondsPass(1);
    assertThat(missed).isEqualTo(1);
  }

  @Test
  void someProgressIsEnough() {
    missing(1, 0, 0, 0);
    watch.watch();
    missing(1, 4096, 5000, 0); // a PDU
    secondsPass(30);
    missing(1, 4096, 9096, 0); // a piece of one
    secondsPass(30);
    missing(2, 0, 0, 0); // the end of one sequence, and the turn of the next
    secondsPass(30);
    missing(2, 0, 0, 1); // nothing was taken from the peer
    secondsPass(29);
    assertThat(missed).isZero();
    secondsPass(6);
    assertThat(missed).isEqualTo(1);
  }

  /** Each byte is progress of a kind; so a session could hold its memory for ever. */
  @Test
  void aTrickleIsNotEnough() {
    missing(1, 0, 0, 0);
    watch.watch();
    for (int second = 1; second <= 30; second++) {
      missing(1, 4L * second, 0, 0);
      secondsPass(1);
    }
    assertThat(missed).isEqualTo(1);
  }

  @Test
  void thereIsLessPatienceWhileOthersWait() {
    missing(1, 0, 0, 0);
    watch.watch();
    secondsPass(15);
    assertThat(missed).isZero();
    othersWait = true;
    secondsPass(5);
    assertThat(missed).isEqualTo(1);
  }

  /** Else peers that send just enough could keep all the memory from others for hours. */
  @Test
  void moreMustComeWhileOthersWait() {
    missing(1, 0, 0, 0);
    watch.watch();
    missing(1, 2 * DataOutTimeout.SLOWEST, 0, 0);
    secondsPass(5);
    othersWait = true;
    missing(1, 2 * DataOutTimeout.SLOWEST + DataOutTimeout.SLOWEST_BESIDE_OTHERS, 0, 0);
    secondsPass(5);
    missing(2, 0, 0, 0);
    secondsPass(5);
    assertThat(missed).isZero();
    missing(2, DataOutTimeout.SLOWEST_BESIDE_OTHERS - 1, 0, 0);
    secondsPass(5);
    assertThat(missed).isEqualTo(1);
  }

  @Test
  void nothingRunsWhenNothingIsMissing() {
    watch.watch();
    missing(1, 0, 0, 0);
    watch.watch();
    progress = null;
    secondsPass(30);
    assertThat(channel.runScheduledPendingTasks()).as("until the next timer").isEqualTo(-1);
    missing(2, 0, 0, 0);
    watch.watch();
    watch.stop();
    secondsPass(60);
    assertThat(missed).isZero();
  }

  /** All the memory that there is for commands is asked for by one, who then only pings. */
  @Test
  void whoWaitsForTheMemoryGetsIt() throws Exception {
    try (LogWatch log = new LogWatch();
        TestTarget target =
            new TestTarget(
                limits -> limits.dataMemory(4 << 20).sendTimeout(Duration.ofSeconds(1)))) {
      Session neighbour = target.login();
      LoginWire wire = target.wire(java.util.Map.of());
      wire.send(wire.write(0, 4096, true));
      Pdu r2t = wire.receive();
      assertThat(Wire.describe(r2t)).isEqualTo("r2t");
      CompletableFuture<Response> waits =
          CompletableFuture.supplyAsync(() -> {
            try {
              return TestTarget.write(neighbour, 8192, new byte[1 << 20]);
            } catch (Exception e) {
              throw new IllegalStateException(e);
            }
          });
      Await.until("the other waits", ServerInsides.memory(target.server)::isContended);
      Await.until(
          "the connection is dropped, though it is not silent",
          () -> {
            wire.send(
                org.anabranch.initiator.Requests.nopOut(wire.nextTag())
                    .immediate(true)
                    .cmdSn(wire.cmdSn));
            return wire.connection.awaitClosed(Duration.ofMillis(100));
          });
      assertThat(waits.get(20, TimeUnit.SECONDS).isGood()).isTrue();
      assertThat(log.takeWarnings()).singleElement().asString().contains("does not come");
    }
  }
}
