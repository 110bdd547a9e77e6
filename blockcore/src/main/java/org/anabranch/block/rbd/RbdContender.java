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

  /** What an attempt ends with. */
  private sealed interface Attempt {
    /** Ends the client. */
    void close();

    /** This process has the lock. */
    record Got(RbdDevice device) implements Attempt {
      @Override
      public void close() {
        device.close();
      }
    }

    /** Another one has it; the client goes on without. */
    record Held(RbdClient client, RbdHeldException by) implements Attempt {
      @Override
      public void close() {
        client.close();
      }
    }
  }

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
            Attempt::close);
    switch (end) {
      case Attempt.Got(RbdDevice device) -> {
        return device;
      }
      case Attempt.Held(RbdClient client, RbdHeldException by) -> {
        standing.set(client);
        throw by;
      }
    }
  }

  private Attempt attempt(@Nullable RbdClient before, RbdOptions options, int silences)
      throws IOException {
    RbdClient client = before == null ? RbdClient.join(image, false) : before;
    try {
      client.lock(image, options, silences);
    } catch (RbdHeldException e) {
      return new Attempt.Held(client, e);
    } catch (IOException | RuntimeException | Error e) {
      client.close();
      throw e;
    }
    return new Attempt.Got(RbdDevice.of(name, image, options, client, scheduler, counts));
  }

  /** Ends the client, if there is one. May block. */
  void close() {
    RbdClient client = standing.getAndSet(null);
    if (client != null) {
      client.close();
    }
  }
}
