// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.rate;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigSyntax;
import com.typesafe.config.ConfigValueFactory;
import java.util.Map;
import java.util.Set;
import org.anabranch.config.VolumeLimits;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.LimitsText;

/**
 * The rate limits of a volume as the text that its image carries, for all servers that can serve
 * it: {@code {"limits":{...},"version":1}}, with the keys of {@link LimitsText}.
 */
final class SharedLimitsText {
  private static final int VERSION = 1;

  private SharedLimitsText() {}

  /** The text of limits. */
  static String render(VolumeLimits limits) {
    return ConfigValueFactory.fromMap(
            Map.of("version", VERSION, "limits", LimitsText.render(limits)))
        .render(ConfigRenderOptions.concise());
  }

  /**
   * The limits of a text.
   *
   * @throws RefusedException when it is damaged, or of a newer version; the message does not say
   *     whose it is
   */
  static VolumeLimits parse(String text) throws RefusedException {
    try {
      Config root =
          ConfigFactory.parseString(
              text, ConfigParseOptions.defaults().setSyntax(ConfigSyntax.JSON));
      int version = root.getInt("version");
      if (version > VERSION) {
        throw new RefusedException("a newer version of the server wrote them: upgrade this one");
      }
      Config limits = root.getConfig("limits");
      if (version < 1
          || !root.root().keySet().equals(Set.of("version", "limits"))
          || !limits.root().keySet().equals(LimitsText.KEYS)) {
        throw new RefusedException("they have other keys than the server writes");
      }
      return LimitsText.parse(limits);
    } catch (ConfigException | IllegalArgumentException e) {
      throw new RefusedException("they are damaged: " + e.getMessage(), e);
    }
  }
}
