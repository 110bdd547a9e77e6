// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.loop;

import io.netty.util.concurrent.FastThreadLocalThread;
import java.util.concurrent.RejectedExecutionException;
import org.anabranch.block.RelievedThread;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A thread that drives an event loop, or stands by to do so. */
final class LoopThread extends FastThreadLocalThread implements RelievedThread {
  private static final Logger LOG = LoggerFactory.getLogger(LoopThread.class);

  /** The loop that it works for, for good. Set by this thread before it works. */
  private @Nullable RelievedLoop loop;

  LoopThread(@Nullable ThreadGroup group, Runnable work, String name) {
    super(group, work, name);
  }

  void worksFor(RelievedLoop newLoop) {
    loop = newLoop;
  }

  @Override
  public boolean offer(Runnable call) {
    return loop != null && loop.offer(call);
  }

  @Override
  public boolean execute(Runnable task) {
    try {
      if (loop != null) {
        loop.execute(task);
        return true;
      }
    } catch (RejectedExecutionException e) {
      LOG.debug("the loop has ended", e);
    }
    return false;
  }
}
