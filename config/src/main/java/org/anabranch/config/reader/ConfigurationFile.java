// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import java.nio.file.Path;
import org.anabranch.config.Configuration;
import org.anabranch.config.InvalidConfigurationException;

/** Reads configuration files. */
public final class ConfigurationFile {
  private ConfigurationFile() {}

  /**
   * Reads a file. Relative paths in it are relative to its folder.
   *
   * @throws InvalidConfigurationException with everything that is wrong with it, including that it
   *     cannot be read
   */
  public static Configuration read(Path file) throws InvalidConfigurationException {
    return new ConfigurationReader(file.toString()).read(file);
  }

  /**
   * Reads a text.
   *
   * @param name what errors call the text
   * @param text HOCON
   * @param baseDir the folder that relative paths in it are relative to
   */
  public static Configuration parse(String name, String text, Path baseDir)
      throws InvalidConfigurationException {
    return new ConfigurationReader(name).parse(text, baseDir);
  }
}
