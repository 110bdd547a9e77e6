// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.util.List;
import org.anabranch.initiator.DiscoveredTarget;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.IscsiException;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.iscsi.TestTarget;
import org.anabranch.iscsi.login.Portal;
import org.junit.jupiter.api.Test;

/** Portals on IPv6 addresses, and on the wildcards of both families. */
final class WildcardPortalTest {
  private static InetAddress six(String address) throws Exception {
    InetAddress loopback = InetAddress.ofLiteral("::1");
    boolean there = NetworkInterface.getByInetAddress(loopback) != null;
    if (!there) {
      System.out.println("skipped: this machine has no IPv6");
    }
    assumeTrue(there, "this machine has no IPv6");
    InetAddress parsed = InetAddress.ofLiteral(address);
    assertThat(parsed).isInstanceOf(Inet6Address.class);
    return parsed;
  }

  private static List<String> discovered(TestTarget target, InetSocketAddress through)
      throws Exception {
    List<DiscoveredTarget> found =
        Initiator.await(
            target.initiator.discover(through, SessionOptions.discovery(), "All"),
            TestTarget.SOON.toSeconds());
    return found.stream().flatMap(each -> each.addresses().stream()).toList();
  }

  @Test
  void anIpv6Address() throws Exception {
    try (TestTarget target = new TestTarget()) {
      BoundPortal bound =
          target.server.addPortal(new Portal(new InetSocketAddress(six("::1"), 0), 1));
      assertThat(discovered(target, bound.address()))
          .contains("[0:0:0:0:0:0:0:1]:" + bound.address().getPort() + ",1");
    }
  }

  @Test
  void theWildcardsOfBothFamiliesOnOnePort() throws Exception {
    InetAddress loopback = six("::1");
    try (TestTarget target = new TestTarget()) {
      InetSocketAddress any = new InetSocketAddress(InetAddress.ofLiteral("0.0.0.0"), 0);
      int port = target.server.addPortal(new Portal(any, 1)).address().getPort();
      InetSocketAddress through = new InetSocketAddress(loopback, port);
      assertThatThrownBy(() -> discovered(target, through)).isInstanceOf(IscsiException.class);
      target.server.addPortal(new Portal(new InetSocketAddress(six("::"), port), 1));
      assertThat(discovered(target, through)).contains("[0:0:0:0:0:0:0:1]:" + port + ",1");
      InetSocketAddress four = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port);
      assertThat(discovered(target, four)).contains("127.0.0.1:" + port + ",1");
    }
  }
}
