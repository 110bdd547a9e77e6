// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.admin;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.anabranch.config.AddressRange;
import org.anabranch.config.ChapConfig;
import org.anabranch.config.Configuration;
import org.anabranch.config.InitiatorPattern;
import org.anabranch.config.IscsiConfig;
import org.anabranch.config.LimitsConfig;
import org.anabranch.config.LunConfig;
import org.anabranch.config.Secret;
import org.anabranch.config.TargetConfig;
import org.anabranch.iscsi.AccessList;
import org.anabranch.iscsi.ChapCredentials;
import org.anabranch.iscsi.ChapDigest;
import org.anabranch.iscsi.IscsiLimits;
import org.anabranch.iscsi.Portal;
import org.anabranch.iscsi.TargetNode;
import org.anabranch.scsi.TargetDevice;
import org.jspecify.annotations.Nullable;

/** What the configuration's records are in the words of the layers below. */
public final class Translation {
  /** All portals are in one portal group. */
  static final int PORTAL_GROUP = 1;

  private static final int BYTES_BEFORE_LOGIN = 65536;

  private Translation() {}

  /** A portal, in the one portal group. */
  public static Portal portal(org.anabranch.config.Portal portal) {
    return new Portal(portal.socketAddress(), PORTAL_GROUP);
  }

  /** What a session may use and negotiate. */
  public static IscsiLimits limits(Configuration configuration) {
    LimitsConfig limits = configuration.limits();
    IscsiConfig protocol = configuration.iscsi();
    return new IscsiLimits(
        limits.sessions(),
        limits.connections(),
        limits.connectionsBeforeLogin(),
        BYTES_BEFORE_LOGIN,
        protocol.loginTimeout(),
        protocol.keepaliveInterval(),
        protocol.keepaliveTimeout(),
        protocol.sendTimeout(),
        protocol.maxRecvDataSegmentLength(),
        protocol.maxBurstLength(),
        protocol.firstBurstLength(),
        protocol.maxOutstandingR2t(),
        limits.queueDepth(),
        limits.memory());
  }

  static TargetNode node(TargetConfig target, TargetDevice device) {
    return new TargetNode(
        target.name(), null, device, access(target), chap(target.chap()), Set.of());
  }

  static Predicate<String> visibleTo(LunConfig lun) {
    List<InitiatorPattern> only = lun.initiators();
    return name -> only.isEmpty() || only.stream().anyMatch(pattern -> pattern.matches(name));
  }

  private static AccessList access(TargetConfig target) {
    return new AccessList(
        target.initiators().stream().map(InitiatorPattern::text).toList(),
        target.addresses().stream().map(AddressRange::toString).toList());
  }

  private static @Nullable ChapCredentials chap(@Nullable ChapConfig chap) {
    if (chap == null) {
      return null;
    }
    ChapConfig.Mutual mutual = chap.mutual();
    return new ChapCredentials(
        chap.user(),
        text(chap.secret()),
        mutual == null ? null : mutual.user(),
        mutual == null ? null : text(mutual.secret()),
        chap.digests().stream()
            .map(digest -> ChapDigest.valueOf(digest.name()))
            .collect(Collectors.toSet()));
  }

  private static String text(Secret secret) {
    return new String(secret.bytes(), StandardCharsets.UTF_8);
  }
}
