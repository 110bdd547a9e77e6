// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Supplier;

/** What a run did, line by line: the newest lines up to a bound, and a checksum over all. */
public final class Trace {
  /** Remembers nothing and costs nothing. */
  public static final Trace NONE = new Trace(0);

  private final int most;
  private final Deque<String> lines = new ArrayDeque<>();
  private long checksum = 1;
  private long forgotten;

  public Trace(int mostLines) {
    this.most = mostLines;
  }

  /** Adds a line, which is made only if it is remembered. */
  public void add(Supplier<String> line) {
    if (most == 0) {
      return;
    }
    String text = line.get();
    checksum = checksum * 31 + text.hashCode();
    if (lines.size() == most) {
      lines.removeFirst();
      forgotten++;
    }
    lines.addLast(text);
  }

  /** Equal for two runs that did the same. */
  public long checksum() {
    return checksum;
  }

  @Override
  public String toString() {
    String text = String.join("\n", lines);
    return forgotten == 0 ? text : "(" + forgotten + " lines before)\n" + text;
  }
}
