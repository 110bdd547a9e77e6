// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.base;

import com.typesafe.config.ConfigUtil;
import java.nio.file.Path;
import org.anabranch.config.Configuration;
import org.anabranch.config.InvalidConfigurationException;
import org.anabranch.config.reader.ConfigurationFile;

/** What {@code anabranch serve} serves when it is given no configuration file. */
public final class EmbeddedDefaults {
  /** The only target. */
  public static final String TARGET = "iqn.2026-11.org.anabranch:disk0";

  /** Where to listen. */
  public static final String PORTAL = "127.0.0.1:3260";

  /** Where the disk and the state live, in the current folder. */
  public static final String FOLDER = "anabranch-data";

  private EmbeddedDefaults() {}

  /**
   * One disk of 1 GiB.
   *
   * @param portal where to listen
   * @param folder for the disk and the state
   */
  public static Configuration configuration(String portal, Path folder)
      throws InvalidConfigurationException {
    String text =
        """
        anabranch {
          portals = [%s]
          state-dir = %s
          volumes { disk0 { path = disk0.img, size = 1 GiB } }
          targets { "%s" { luns { 0 = disk0 } } }
        }
        """
            .formatted(
                ConfigUtil.quoteString(portal),
                ConfigUtil.quoteString(folder.toAbsolutePath().toString()),
                TARGET);
    return ConfigurationFile.parse("embedded defaults", text, folder.toAbsolutePath());
  }
}
