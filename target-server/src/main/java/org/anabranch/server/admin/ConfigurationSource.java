// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.admin;

import org.anabranch.config.Configuration;
import org.anabranch.config.InvalidConfigurationException;
import org.anabranch.server.base.RefusedException;

/** Where a server's configuration comes from, each time anew. */
@FunctionalInterface
public interface ConfigurationSource {
  /** There is no file to read again. */
  ConfigurationSource NONE =
      () -> {
        throw new RefusedException(
            "the server was started without a configuration file: there is nothing to reload;"
                + " serve --config FILE has one");
      };

  /** Reads it. */
  Configuration read() throws InvalidConfigurationException, RefusedException;
}
