// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

/**
 * Tells a merge whether any device of the mapper has been used in the meantime, because all devices
 * share the processors.
 *
 * <p>Any thread. A request costs two reads of fields that change only after a merge has checked.
 */
final class Foreground {
  private volatile int uses;

  /** The value of {@link #uses} when a merge last checked. */
  private volatile int seen;

  /** Records a request. Several at the same time may count as one. */
  void used() {
    int last = seen;
    if (uses == last) {
      uses = last + 1;
    }
  }

  /** Returns a value for {@link #usedSince}. */
  int look() {
    int now = uses;
    seen = now;
    return now;
  }

  /** Whether a request has arrived since that value was returned. */
  boolean usedSince(int look) {
    return uses != look;
  }
}
