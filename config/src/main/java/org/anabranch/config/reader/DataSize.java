// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import org.jspecify.annotations.Nullable;

/** Sizes in the form that the configuration file has them. */
public final class DataSize {
  private static final ValueFormat<Long> ANY = ValueFormat.size(0, Long.MAX_VALUE, 1);

  private DataSize() {}

  /**
   * Bytes, from a text such as {@code 64 MiB}, {@code 1.5 GiB}, {@code 2 TB} or {@code 2097152s}.
   *
   * @return null when the text is no size
   */
  public static @Nullable Long parse(String text) {
    return ANY.reader().apply(text);
  }
}
