// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.count;

import java.util.List;
import java.util.concurrent.atomic.LongAdder;

/**
 * A number for each constant of an enum. They begin at 0 and never go back. Any thread.
 *
 * @param <E> the layer's enum
 */
@SuppressWarnings("EnumOrdinal") // an array by ordinal is what makes counting cheap
public final class Counters<E extends Enum<E> & Counter> {
  private final List<E> all;
  private final LongAdder[] values;

  /** All at 0. */
  public Counters(Class<E> type) {
    all = List.of(type.getEnumConstants());
    values = new LongAdder[all.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = new LongAdder();
    }
  }

  /** Adds 1. */
  public void increment(E counter) {
    values[counter.ordinal()].increment();
  }

  /** Adds {@code amount}, which is not negative. */
  public void add(E counter, long amount) {
    values[counter.ordinal()].add(amount);
  }

  /** What was counted up to about now. */
  public long get(E counter) {
    return values[counter.ordinal()].sum();
  }

  /** The constants, in their order. */
  public List<E> all() {
    return all;
  }
}
