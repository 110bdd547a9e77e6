// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import org.anabranch.config.HttpConfig;
import org.anabranch.config.Portal;
import org.jspecify.annotations.Nullable;

/** Reads {@code http { listen = "ADDRESS:PORT" }}. */
final class HttpReader {
  private static final ValueFormat<HttpConfig> LISTEN =
      ValueFormat.of("ADDRESS:PORT such as 127.0.0.1:9287 or [::1]:9287", HttpReader::parse);

  private HttpReader() {}

  private static @Nullable HttpConfig parse(String text) {
    Portal portal = text.matches(".*:[0-9]+") ? Portal.parse(text) : null;
    return portal == null ? null : new HttpConfig(portal.address(), portal.port());
  }

  /** Null: nothing is served. */
  static @Nullable HttpConfig http(Section http) {
    HttpConfig listen = http.optional("listen", LISTEN);
    boolean open = http.withDefault("open-to-anyone", ValueFormat.BOOLEAN);
    if (listen != null && !listen.isLoopback() && !open) {
      http.problem(
          "listen",
          "found "
              + listen
              + ", which other machines can reach: there is no login, and whoever"
              + " reaches it reads the names of volumes and initiators",
          "a loopback address such as 127.0.0.1:9287; or open-to-anyone = true beside it");
    }
    http.end();
    return listen;
  }
}
