// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import org.jspecify.annotations.Nullable;

/** What happens at the end of an {@link Io}. */
@FunctionalInterface
public interface IoCompletion {
  /**
   * Called exactly once for each push, on whatever thread ended the request, possibly inside {@link
   * BlockDevice#submit}, and never with a device's lock held. Must not block.
   *
   * @param io the request, owned by the callee, with the range it had when this was pushed
   * @param error what went wrong, or null for success
   */
  void completed(Io io, @Nullable IoError error);
}
