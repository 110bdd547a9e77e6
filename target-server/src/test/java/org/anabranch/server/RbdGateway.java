// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.anabranch.block.testing.Await;
import org.anabranch.block.testing.TestCeph;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.server.serve.Server;
import org.jspecify.annotations.Nullable;

/** A server with a state of its own that serves the volume {@code vm1}, an RBD image. */
final class RbdGateway {
  static final String TARGET = "iqn.2026-11.org.example:t";

  final Site site;

  /** More of the configuration. */
  String more = "";

  /** The LUNs of the target. */
  String luns = "0 = vm1";

  private final TestCeph ceph;
  private final String image;
  private final Initiator initiator;
  private @Nullable Server server;

  RbdGateway(Path folder, String name, TestCeph ceph, String image, Initiator initiator)
      throws Exception {
    this.site = new Site(Files.createDirectory(folder.resolve(name)));
    this.ceph = ceph;
    this.image = image;
    this.initiator = initiator;
  }

  String configuration() {
    return "ceph.conf = \""
        + ceph.conf()
        + "\"\n"
        + more
        + "\nvolumes { vm1 { rbd = \"rbd/"
        + image
        + "\", size = 16 MiB } }\ntargets { \""
        + TARGET
        + "\" { luns { "
        + luns
        + " } } }\n";
  }

  void start() throws Exception {
    site.configure(configuration());
    server =
        Server.start(
            ConfigurationFile.read(site.configuration),
            () -> ConfigurationFile.read(site.configuration));
  }

  void stop() {
    if (server != null) {
      server.close();
      server = null;
    }
  }

  String state() throws Exception {
    Object volumes = Objects.requireNonNull(site.ask("status", Map.of()).get("volumes"));
    return String.valueOf(((Map<?, ?>) ((List<?>) volumes).getFirst()).get("state"));
  }

  /** What {@code volume list} says. */
  String volumes() throws Exception {
    return String.valueOf(site.ask("volume list", Map.of()));
  }

  void awaitState(String wanted) throws Exception {
    Await.until("the volume is " + wanted, () -> state().equals(wanted));
  }

  Site.Host host() throws Exception {
    return Site.Host.logIn(
        initiator,
        Objects.requireNonNull(server).portals().getFirst(),
        SessionOptions.normal(TARGET));
  }
}
