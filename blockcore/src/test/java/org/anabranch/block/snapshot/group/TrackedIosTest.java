// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.DeferringLock;
import org.anabranch.block.Io;
import org.junit.jupiter.api.Test;

final class TrackedIosTest {
  private final DeferringLock lock = new DeferringLock();
  private final TrackedIos tracked = new TrackedIos(lock);
  private final List<String> log = new ArrayList<>();

  private Io read(long chunk) {
    Io io =
        Io.read(chunk, ByteBuffer.allocateDirect(512), (done, error) -> log.add("read " + chunk));
    lock.run(() -> tracked.track(io, chunk, chunk));
    return io;
  }

  @Test
  void whatWaitsComesBehindTheEndOfTheLastRequest() {
    Io first = read(1);
    Io second = read(2);
    Io elsewhere = read(7);
    lock.run(() ->
        tracked.whenDrained((from, to) -> from <= 2, () -> lock.after(() -> log.add("drained"))));
    elsewhere.complete(null);
    second.complete(null);
    first.complete(null);
    assertThat(log).containsExactly("read 7", "read 2", "read 1", "drained");
  }

  @Test
  void doesNotWaitForWhatCameLaterNorForNothing() {
    lock.run(() -> tracked.whenDrained((from, to) -> true, () -> log.add("at once")));
    Io before = read(1);
    lock.run(() -> tracked.whenDrained((from, to) -> true, () -> log.add("drained")));
    Io later = read(1);
    lock.run(() -> assertThat(tracked.touches((from, to) -> from == 1)).isTrue());
    before.complete(null);
    assertThat(log).containsExactly("at once", "read 1", "drained");
    later.complete(null);
    lock.run(() -> assertThat(tracked.touches((from, to) -> true)).isFalse());
  }
}
