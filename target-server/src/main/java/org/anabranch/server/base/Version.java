// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.base;

import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.IVersionProvider;

/** The version of this build, as the POM states it: {@code version.properties} is filtered. */
public final class Version implements IVersionProvider {
  /** Read once, while there are file descriptors; null before. Never changed once set. */
  private static volatile @Nullable Properties read;

  /** For picocli, which makes one when {@code --version} is asked for. */
  public Version() {}

  /** The POM's version, such as {@code 0.1.0-SNAPSHOT}. */
  public static String number() throws IOException {
    return Objects.requireNonNull(properties().getProperty("version"), "version");
  }

  private static Properties properties() throws IOException {
    Properties known = read;
    if (known == null) {
      known = readProperties();
      read = known;
    }
    return known;
  }

  private static Properties readProperties() throws IOException {
    try (InputStream in =
        Objects.requireNonNull(
            Version.class.getResourceAsStream("/org/anabranch/server/version.properties"),
            "version.properties")) {
      Properties properties = new Properties();
      properties.load(in);
      return properties;
    }
  }

  /** The version and, where the build was told it, the commit. */
  @Override
  public String[] getVersion() throws IOException {
    return new String[] {line(number(), properties().getProperty("commit", ""))};
  }

  static String line(String number, String commit) {
    return "anabranch " + number + (commit.isEmpty() ? "" : " (commit " + commit + ")");
  }
}
