// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.anabranch.config.Portal;
import org.anabranch.naming.AdvertisedAddress;
import org.jspecify.annotations.Nullable;

/** Reads {@code portals}: each is {@code "ADDRESS:PORT"}, or an object with more to say. */
final class PortalReader {
  private static final ValueFormat<AdvertisedAddress> ADVERTISED =
      ValueFormat.of(
          "HOST or HOST:PORT such as 192.0.2.7, storage.example.org:3260 or [2001:db8::7]:3260",
          AdvertisedAddress::parse);

  private static final ValueFormat<Integer> GROUP = ValueFormat.integer(1, 65535);

  private PortalReader() {}

  static List<Portal> portals(Section top) {
    List<Portal> portals = top.list("portals", ValueFormat.PORTAL, PortalReader::portal);
    List<Portal> seen = new ArrayList<>();
    for (Portal portal : portals) {
      if (seen.stream().anyMatch(portal::clashesWith)) {
        top.problem("portals", "found " + portal + " twice", "each portal once");
      }
      seen.add(portal);
    }
    return portals;
  }

  private static @Nullable Portal portal(Section section) {
    Portal listen = section.required("listen", ValueFormat.PORTAL);
    Integer group = section.optional("group", GROUP);
    List<AdvertisedAddress> advertised = section.nonEmptyList("advertise", ADVERTISED);
    section.end();
    return listen == null
        ? null
        : new Portal(
            listen.address(),
            listen.port(),
            Objects.requireNonNullElse(group, Portal.DEFAULT_GROUP),
            advertised);
  }
}
