// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.imports;

import java.util.HashMap;
import java.util.Map;
import org.anabranch.config.IdentityConfig;
import org.jspecify.annotations.Nullable;

/** Lets no two volumes have one serial or designator: hosts would take them for one disk. */
final class Identities {
  private final Losses losses;
  private final Map<String, String> given = new HashMap<>();

  Identities(Losses losses) {
    this.losses = losses;
  }

  /** The identity without the names that another path has already. */
  IdentityConfig of(String where, String path, IdentityConfig identity) {
    return new IdentityConfig(
        unlessGiven(where, path, "serial", identity.serial()),
        unlessGiven(where, path, "naa", identity.naa()),
        identity.vendor(),
        identity.product(),
        identity.revision(),
        unlessGiven(where, path, "t10", identity.t10()));
  }

  private @Nullable String unlessGiven(
      String where, String path, String key, @Nullable String name) {
    String other = name == null ? null : given.putIfAbsent(key + " " + name, path);
    if (other == null || other.equals(path)) {
      return name;
    }
    losses.add(
        where,
        key
            + " "
            + name
            + " is "
            + other
            + "'s, too: hosts would take the two for one disk; "
            + path
            + " gets one of its own");
    return null;
  }
}
