// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.count;

import java.util.Locale;

/** A constant of an enum with what statistics and metrics say of it. */
public interface Described {
  /** The constant's name; an enum has this method already. */
  String name();

  /** What it measures, in one line without a full stop. */
  String words();

  /** Who measures it, such as {@code file}: the same for all constants of an enum. */
  String layer();

  /** The name in JSON, such as {@code read-bytes}. */
  default String key() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
