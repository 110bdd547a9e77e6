// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.loop;

import io.netty.util.concurrent.FastThreadLocalThread;
import org.anabranch.block.RelievedThread;
import org.jspecify.annotations.Nullable;

/** A thread that drives an event loop, or stands by to do so. */
final class LoopThread extends FastThreadLocalThread implements RelievedThread {
  /** The loop that it works for, for good. This thread's own. */
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
}
