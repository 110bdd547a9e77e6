// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import org.jspecify.annotations.Nullable;

/**
 * The names by which hosts recognise a disk.
 *
 * @param serial 12 hexadecimal digits
 * @param naa 16 hexadecimal digits that begin with 3
 */
public record DiskNames(String serial, String naa) {
  /** The names in a text, or null if it holds none. */
  public static @Nullable DiskNames parse(String text) {
    String[] words = text.strip().split(" ", -1);
    return words.length == 2
            && words[0].matches("[0-9a-f]{12}")
            && words[1].matches("3[0-9a-f]{15}")
        ? new DiskNames(words[0], words[1])
        : null;
  }

  @Override
  public String toString() {
    return serial + " " + naa;
  }
}
