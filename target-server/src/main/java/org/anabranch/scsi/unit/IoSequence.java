// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

import java.util.concurrent.atomic.AtomicInteger;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoCompletion;
import org.anabranch.block.IoError;
import org.anabranch.scsi.api.Sense;
import org.jspecify.annotations.Nullable;

/**
 * Several Ios of one command, one after the other. The stack does not grow with their number, even
 * if they complete at once: the thread that is already in {@link #advance} submits the next one.
 *
 * <p>One thread at a time runs {@link #next}, {@link #succeeded} and {@link #ended}; each sees what
 * the one before did.
 */
public abstract class IoSequence implements IoCompletion {
  private final AtomicInteger turns = new AtomicInteger();
  private boolean over;

  /** Begins. Call once. */
  public final void run() {
    advance();
  }

  /** The next Io, made with {@code this} as its completion; null when there is no more to do. */
  protected abstract @Nullable Io next();

  /** Where the Io that {@link #next} made goes. */
  protected abstract BlockDevice device();

  /** Takes an Io to its device, now or later. */
  protected void submit(Io io) {
    device().submit(io);
  }

  /** An Io has succeeded. Returns sense data to end the sequence, or null to continue. */
  protected @Nullable Sense succeeded(Io io) {
    return null;
  }

  /** The sense data that the sequence ends with when an Io fails. */
  protected abstract Sense failed(Io io, IoError error);

  /** Called once at the end: with null if all Ios succeeded. */
  protected abstract void ended(@Nullable Sense sense);

  @Override
  public final void completed(Io io, @Nullable IoError error) {
    Sense sense = error != null ? failed(io, error) : succeeded(io);
    if (sense != null) {
      over = true;
      ended(sense);
    } else {
      advance();
    }
  }

  private void advance() {
    if (turns.getAndIncrement() != 0) {
      return;
    }
    do {
      Io io = over ? null : next();
      if (io == null) {
        if (!over) {
          over = true;
          ended(null);
        }
        return;
      }
      submit(io);
    } while (turns.decrementAndGet() != 0);
  }
}
