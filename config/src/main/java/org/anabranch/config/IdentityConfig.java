// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import org.jspecify.annotations.Nullable;

/**
 * What a disk is called (INQUIRY and its pages), where the configuration says it; null elsewhere.
 *
 * @param serial unit serial number: 1 to 64 printable ASCII characters, no blanks
 * @param naa NAA designator, hexadecimal, lower case: 16 digits that begin with 2, 3 or 5, or 32
 *     that begin with 6 (SPC-4 7.8.6.6)
 * @param t10 the whole T10 vendor ID designator, vendor included: 1 to 244 printable ASCII
 *     characters
 * @param vendor 1 to 8 printable ASCII characters
 * @param product 1 to 16
 * @param revision 1 to 4
 */
public record IdentityConfig(
    @Nullable String serial,
    @Nullable String naa,
    @Nullable String vendor,
    @Nullable String product,
    @Nullable String revision,
    @Nullable String t10) {
  /** Nothing is set. */
  public static final IdentityConfig NONE = new IdentityConfig(null, null, null, null, null, null);
}
