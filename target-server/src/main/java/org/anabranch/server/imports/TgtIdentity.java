// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.imports;

import org.anabranch.config.IdentityConfig;
import org.jspecify.annotations.Nullable;

/**
 * What tgtd calls a LUN, by its settings, or by the numbers of target and LUN where they say
 * nothing.
 *
 * <pre>
 *   setting       without it                          shown as
 *   vendor_id     IET                                 vendor of INQUIRY
 *   product_id    VIRTUAL-DISK                        product
 *   product_rev   0001                                revision
 *   scsi_sn       beaf, target and LUN in decimal     page 80, right-aligned in 36 bytes
 *   scsi_id       "IET     ", target and LUN in       page 83: the T10 designator as it is, and
 *                 four hexadecimal digits each        the NAA: 6 and the last 31 characters, of
 *                                                     which a hexadecimal digit counts as itself
 *                                                     and any other as 0
 * </pre>
 *
 * Linux and multipath take the NAA for the WWID.
 */
final class TgtIdentity {
  private static final int NAA_DIGITS = 32;
  private static final int MAX_SCSI_ID = 36;
  private static final int MAX_SERIAL = 64;

  private final Losses losses;
  private final TgtSettings settings;

  TgtIdentity(Losses losses, TgtSettings settings) {
    this.losses = losses;
    this.settings = settings;
  }

  /**
   * The identity of a LUN.
   *
   * @param target its number (tid)
   * @param lun its number
   */
  IdentityConfig of(int target, int lun) {
    String id = settings.value("scsi_id", String.format("IET     %04x%04x", target, lun));
    String shown = id.substring(0, Math.min(id.length(), MAX_SCSI_ID));
    return new IdentityConfig(
        serial(settings.value("scsi_sn", "beaf" + target + lun)),
        naa(shown),
        ascii("vendor_id", settings.value("vendor_id", "IET"), 8),
        ascii("product_id", settings.value("product_id", "VIRTUAL-DISK"), 16),
        ascii("product_rev", settings.value("product_rev", "0001"), 4),
        ascii("scsi_id", shown, MAX_SCSI_ID));
  }

  private static String naa(String id) {
    StringBuilder digits = new StringBuilder("0".repeat(NAA_DIGITS));
    for (int i = 0; i < id.length(); i++) {
      int digit = Character.digit(id.charAt(i), 16);
      digits.append(id.charAt(i) < 128 && digit >= 0 ? Character.forDigit(digit, 16) : '0');
    }
    return "6" + digits.substring(digits.length() - NAA_DIGITS + 1);
  }

  private @Nullable String serial(String text) {
    if (text.matches("[!-~]{1," + MAX_SERIAL + "}")) {
      return text;
    }
    losses.add(
        settings.where("scsi_sn"),
        "scsi_sn \"" + text + "\": a serial has no blanks here; the disk gets one");
    return null;
  }

  private @Nullable String ascii(String key, String text, int max) {
    String cut = text.substring(0, Math.min(text.length(), max));
    if (!cut.matches("[ -~]+")) {
      losses.add(settings.where(key), key + " is not printable ASCII");
      return null;
    }
    if (cut.length() < text.length()) {
      losses.add(
          settings.where(key), key + " \"" + text + "\" is cut to \"" + cut + "\", as tgtd does");
    }
    return cut;
  }
}
