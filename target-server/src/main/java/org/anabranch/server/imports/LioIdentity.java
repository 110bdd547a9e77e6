// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.imports;

import java.util.Locale;
import org.anabranch.config.IdentityConfig;

/**
 * What LIO calls a disk, by its serial ({@code wwn}), its name and its kind.
 *
 * <pre>
 *   page 80             the serial
 *   page 83, NAA        6 001405, then the first 25 hexadecimal digits of the serial, then zeros
 *   page 83, T10        "LIO-ORG ", the product, a colon, the serial
 *   vendor, revision    LIO-ORG, 4.0
 *   product             with emulate_model_alias the name, of which INQUIRY shows 16 characters;
 *                       without it IBLOCK, FILEIO or RAMDISK-MCP
 * </pre>
 */
final class LioIdentity {
  private static final String VENDOR = "LIO-ORG";
  private static final String REVISION = "4.0";
  private static final String OUI = "001405";
  private static final int NAA_DIGITS = 25;
  private static final int MAX_PRODUCT = 16;
  private static final int MAX_T10 = 244;

  private LioIdentity() {}

  /**
   * The identity of a storage object.
   *
   * @param serial its {@code wwn}
   * @param name its name
   * @param kind what INQUIRY calls its plugin
   * @param alias whether INQUIRY shows the name in place of the kind
   */
  static IdentityConfig of(String serial, String name, String kind, boolean alias) {
    String product = alias ? name.substring(0, Math.min(name.length(), MAX_PRODUCT)) : kind;
    String t10 = String.format("%-8s", VENDOR) + product + ":" + serial;
    return new IdentityConfig(
        serial,
        naa(serial),
        VENDOR,
        product,
        REVISION,
        t10.substring(0, Math.min(t10.length(), MAX_T10)));
  }

  private static String naa(String serial) {
    String digits = serial.replaceAll("[^0-9a-fA-F]", "").toLowerCase(Locale.ROOT);
    return "6" + OUI + (digits + "0".repeat(NAA_DIGITS)).substring(0, NAA_DIGITS);
  }
}
