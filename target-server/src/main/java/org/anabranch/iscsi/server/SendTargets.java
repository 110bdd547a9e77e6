// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.server;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.anabranch.iscsi.login.Key;
import org.anabranch.iscsi.login.SessionKey;
import org.anabranch.iscsi.login.TargetNode;
import org.anabranch.iscsi.login.Text;
import org.anabranch.iscsi.session.Discovery;
import org.anabranch.iscsi.session.Session;
import org.anabranch.naming.IscsiName;

/**
 * Discovery (RFC 7143 appendix C): the targets, and their addresses.
 *
 * <pre>
 *   SendTargets=All         every target; in a normal session its own
 *   SendTargets=&lt;name&gt;      that target, or nothing if there is none for this initiator
 *   SendTargets=            the target of this session
 * </pre>
 *
 * <p>Appendix C allows All only in discovery sessions. Some initiators use it in normal sessions as
 * well (libiscsi's test suite expects an answer), so it is answered there for the session's target.
 *
 * <p>Only targets that the initiator can log in to are reported: their access lists admit it, it
 * may use one of their CHAP users, and they are reached through the portal group that it has
 * connected to. For each target all portals are reported that the initiator may be able to reach:
 *
 * <pre>
 *   a portal that advertises addresses            these
 *   a portal on a wildcard                        the address that the initiator came to, if it is
 *                                                 of the portal's family
 *   a portal on a loopback address                its address, if the initiator came by loopback
 *   any other portal                              its address
 * </pre>
 *
 * <p>A loopback address is useless to an initiator whose connection was forwarded (QEMU's user
 * network, a published port of a container, ssh -L), and iSCSI cannot distinguish the two cases. So
 * an initiator that connected by loopback first gets each target without an address, which means
 * the address that it has connected to, and then the target's addresses.
 */
final class SendTargets implements Discovery {
  private final Map<String, TargetNode> nodes;
  private final Supplier<List<BoundPortal>> portals;

  /**
   * @param nodes the target nodes by their names
   * @param portals the portals that listen
   */
  SendTargets(Map<String, TargetNode> nodes, Supplier<List<BoundPortal>> portals) {
    this.nodes = nodes;
    this.portals = portals;
  }

  @Override
  public void answer(Session session, String which, Text answers) {
    TargetNode own = session.node();
    String name = IscsiName.normalise(which);
    List<TargetNode> shown =
        nodes.values().stream()
            .filter(node ->
                which.equals("All")
                    ? own == null || node.name().equals(own.name())
                    : which.isEmpty()
                        ? own != null && node.name().equals(own.name())
                        : node.name().equals(name))
            .filter(node -> isFor(node, session))
            .toList();
    InetSocketAddress local = session.connection().localAddress();
    boolean forwarded =
        local.getAddress().isLoopbackAddress() && session.portal().advertised().isEmpty();
    if (forwarded) {
      shown.forEach(node -> answers.add(Key.TARGET_NAME.text(), node.name()));
    }
    for (TargetNode node : shown) {
      answers.add(Key.TARGET_NAME.text(), node.name());
      for (BoundPortal bound : portals.get()) {
        int tag = bound.portal().groupTag();
        if (node.isReachableThrough(tag)) {
          addresses(bound, local.getAddress())
              .forEach(address -> answers.add(Key.TARGET_ADDRESS.text(), address + "," + tag));
        }
      }
    }
  }

  @Override
  public boolean isRequest(String which) {
    if (which.isEmpty() || which.equals("All")) {
      return true;
    }
    String name = IscsiName.normalise(which);
    return nodes.containsKey(name)
        || name.startsWith("iqn.")
        || name.startsWith("eui.")
        || name.startsWith("naa.");
  }

  private static boolean isFor(TargetNode node, Session session) {
    TargetNode own = session.node();
    if (own != null && own.name().equals(node.name())) {
      return true;
    }
    SessionKey key = session.key();
    return node.isReachableThrough(key.portalGroupTag())
        && node.isFor(key.initiator(), session.connection().remoteAddress().getAddress());
  }

  static Stream<String> addresses(BoundPortal bound, InetAddress local) {
    int port = bound.address().getPort();
    if (!bound.portal().advertised().isEmpty()) {
      return bound.portal().advertised().stream().map(address -> address.withPort(port));
    }
    InetAddress address = bound.address().getAddress();
    if (address.isAnyLocalAddress()) {
      boolean sameFamily = address instanceof Inet6Address == local instanceof Inet6Address;
      return sameFamily ? Stream.of(text(local) + ":" + port) : Stream.empty();
    }
    boolean reachable = !address.isLoopbackAddress() || local.isLoopbackAddress();
    return reachable ? Stream.of(text(address) + ":" + port) : Stream.empty();
  }

  static String text(InetSocketAddress address) {
    return text(address.getAddress()) + ":" + address.getPort();
  }

  private static String text(InetAddress address) {
    String text = address.getHostAddress();
    return address instanceof Inet6Address ? "[" + text.replaceFirst("%.*", "") + "]" : text;
  }
}
