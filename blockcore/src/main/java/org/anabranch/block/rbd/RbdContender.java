// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.rbd;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicReference;
import org.anabranch.block.Scheduler;
import org.anabranch.block.count.Counts;
import org.jspecify.annotations.Nullable;

/**
 * The client of a server that stands by for an image. It has the image open without its lock, and
 * keeps it open between two attempts to take the lock. One attempt at a time.
 */
final class RbdContender {
  private final String name;
  private final RbdImage image;
  private final Scheduler scheduler;
  private final Counts counts;

  /** Between two attempts; null during one, and when the last one has failed. */
  private final AtomicReference<@Nullable RbdClient> standing = new AtomicReference<>();

  /** The client after an attempt, and why it does not have the lock; null if it has. */
  private record Attempt(RbdClient client, @Nullable RbdHeldException held) {}

  RbdContender(String name, RbdImage image, Scheduler scheduler, Counts counts) {
    this.name = name;
    this.image = image;
    this.scheduler = scheduler;
    this.counts = counts;
  }

  /**
   * Takes the lock if nobody has it, or its owner is dead. Blocks, at most as long as the options
   * allow for a call.
   *
   * @param silences how many times in a row its owner must not answer to count as dead; each takes
   *     a second
   * @throws RbdHeldException another server has it
   */
  RbdDevice tryLock(RbdOptions options, int silences) throws IOException {
    RbdClient before = standing.getAndSet(null);
    Attempt end =
        Patience.await(
            options.callNanos(),
            "rbd lock " + name,
            () -> attempt(before, options, silences),
            late -> late.client.close());
    if (end.held != null) {
      standing.set(end.client);
      throw end.held;
    }
    return RbdDevice.of(name, image, options, end.client, scheduler, counts);
  }

  private Attempt attempt(@Nullable RbdClient before, RbdOptions options, int silences)
      throws IOException {
    RbdClient client = before == null ? RbdClient.join(image, false) : before;
    try {
      client.lock(image, options, silences);
      return new Attempt(client, null);
    } catch (RbdHeldException e) {
      return new Attempt(client, e);
    } catch (IOException e) {
      client.close();
      throw e;
    }
  }

  /** Ends the client, if there is one. May block. */
  void close() {
    RbdClient client = standing.getAndSet(null);
    if (client != null) {
      client.close();
    }
  }
}
