// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

/**
 * Tells a merge whether any device of the mapper was used meanwhile, since all share the machine's
 * processors.
 *
 * <p>Any thread. A request costs two reads of fields that change only after a merge has looked.
 */
final class Foreground {
  private volatile int uses;

  /** What {@link #uses} was when a merge last looked. */
  private volatile int seen;

  /** A request came. Of several that come at the same time one may count for all. */
  void used() {
    int last = seen;
    if (uses == last) {
      uses = last + 1;
    }
  }

  /** To be given to {@link #usedSince} later. */
  int look() {
    int now = uses;
    seen = now;
    return now;
  }

  /** Whether a request came after that look. */
  boolean usedSince(int look) {
    return uses != look;
  }
}
