// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.admin;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.anabranch.config.ChapConfig;
import org.anabranch.config.Configuration;
import org.anabranch.config.DiscoveryConfig;
import org.anabranch.config.LunConfig;
import org.anabranch.config.Secret;
import org.anabranch.config.TargetConfig;
import org.anabranch.iscsi.login.ChapCredentials;
import org.anabranch.iscsi.login.ChapDigest;
import org.anabranch.iscsi.login.DiscoveryPolicy;
import org.anabranch.iscsi.login.IscsiLimits;
import org.anabranch.iscsi.login.Portal;
import org.anabranch.iscsi.login.TargetNode;
import org.anabranch.naming.AccessList;
import org.anabranch.naming.InitiatorPattern;
import org.anabranch.naming.IscsiName;
import org.anabranch.scsi.api.TargetPort;
import org.anabranch.scsi.device.TargetDevice;

/** What the configuration's records are in the words of the layers below. */
public final class Translation {
  private Translation() {}

  /** A portal, in its portal group. */
  public static Portal portal(org.anabranch.config.Portal portal) {
    return new Portal(portal.socketAddress(), portal.group(), portal.advertised());
  }

  /** What the server takes on, as far as this process can hold it. */
  public static IscsiLimits limits(Configuration configuration) {
    return Capacity.ofThisProcess().limits(configuration);
  }

  /** Terms of discovery sessions. */
  public static DiscoveryPolicy discovery(Configuration configuration) {
    DiscoveryConfig discovery = configuration.discovery();
    return new DiscoveryPolicy(chap(discovery.chap()), discovery.idleTimeout());
  }

  static TargetNode node(TargetConfig target, TargetDevice device) {
    return new TargetNode(
        target.name(),
        target.alias(),
        device,
        target.access(),
        chap(target.chap()),
        target.portalGroups());
  }

  /** The SCSI ports of a target: one for each portal group that it is reached through. */
  static List<TargetPort> ports(TargetConfig target, Configuration configuration) {
    return configuration.portals().stream()
        .map(org.anabranch.config.Portal::group)
        .filter(target::isReachedThrough)
        .distinct()
        .sorted()
        .map(group -> new TargetPort(target.name(), group, group))
        .toList();
  }

  static Predicate<String> visibleTo(LunConfig lun) {
    List<InitiatorPattern> only = lun.initiators();
    return name -> AccessList.matches(only, new IscsiName(name));
  }

  private static List<ChapCredentials> chap(List<ChapConfig> users) {
    return users.stream().map(Translation::chap).toList();
  }

  private static ChapCredentials chap(ChapConfig user) {
    ChapConfig.Mutual mutual = user.mutual();
    return new ChapCredentials(
        user.user(),
        text(user.secret()),
        mutual == null ? null : mutual.user(),
        mutual == null ? null : text(mutual.secret()),
        user.digests().stream()
            .map(digest -> ChapDigest.valueOf(digest.name()))
            .collect(Collectors.toSet()),
        user.initiators());
  }

  private static String text(Secret secret) {
    return new String(secret.bytes(), StandardCharsets.UTF_8);
  }
}
