// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import org.jspecify.annotations.Nullable;

/** Called when an {@link Io} ends. */
@FunctionalInterface
public interface IoCompletion {
  /**
   * Called exactly once for each push, on the thread that ended the request, possibly inside {@link
   * BlockDevice#submit}, and never with a device's lock held. Must not block.
   *
   * @param io the request, owned by the callee, with the range that it had at the push
   * @param error why it failed, or null for success
   */
  void completed(Io io, @Nullable IoError error);
}
