// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Discovery (RFC 7143 appendix C): which targets there are, and where. An initiator is shown only
 * what it may log in to.
 *
 * <pre>
 *   SendTargets=All         every target; in a normal session its own
 *   SendTargets=&lt;name&gt;      that target, or nothing if there is none for this initiator
 *   SendTargets=            the target of this session
 * </pre>
 *
 * <p>The appendix keeps All to discovery sessions. Initiators ask it in others, too (libiscsi's
 * suite wants an answer), and who is logged in to a target may know where it is.
 *
 * <p>A portal bound to a wildcard is shown with the address that the initiator reached us at. A
 * loopback address is worth nothing to an initiator that came through something that forwards
 * (QEMU's user network, a container's published port, ssh -L), and nothing in iSCSI tells the two
 * apart; so who comes in over loopback is first told of each target without any address, which
 * means "where you are now", and then of its addresses.
 */
final class SendTargets {
  private SendTargets() {}

  static void answer(IscsiServer server, Session session, String which, Text answers) {
    TargetNode own = session.node();
    String name = lowerCase(which);
    List<TargetNode> shown =
        server.nodes().stream()
            .filter(node ->
                which.equals("All")
                    ? own == null || node.name().equals(own.name())
                    : which.isEmpty()
                        ? own != null && node.name().equals(own.name())
                        : node.name().equals(name))
            .filter(node -> isFor(node, session, own))
            .toList();
    InetSocketAddress local = session.connection().localAddress();
    boolean forwarded =
        local.getAddress().isLoopbackAddress()
            && session.connection().portal().advertised().isEmpty();
    if (forwarded) {
      int tag = session.key().portalGroupTag();
      shown.stream()
          .filter(node -> node.isReachableThrough(tag))
          .forEach(node -> answers.add("TargetName", node.name()));
    }
    for (TargetNode node : shown) {
      answers.add("TargetName", node.name());
      for (BoundPortal bound : server.portals()) {
        if (node.isReachableThrough(bound.portal().groupTag())) {
          addresses(bound, local)
              .forEach(address ->
                  answers.add("TargetAddress", address + "," + bound.portal().groupTag()));
        }
      }
    }
  }

  /** Whether this is a value that SendTargets can have. */
  static boolean isRequest(String which) {
    return which.isEmpty() || which.equals("All") || isName(lowerCase(which));
  }

  /** Names are folded, as those of a login are (RFC 3722). */
  private static String lowerCase(String name) {
    return name.toLowerCase(Locale.ROOT);
  }

  private static boolean isName(String text) {
    return text.startsWith("iqn.") || text.startsWith("eui.") || text.startsWith("naa.");
  }

  private static boolean isFor(TargetNode node, Session session, @Nullable TargetNode own) {
    return (own != null && own.name().equals(node.name()))
        || node.access()
            .admits(session.key().initiator(), session.connection().remoteAddress().getAddress());
  }

  private static Stream<String> addresses(BoundPortal bound, InetSocketAddress local) {
    if (!bound.portal().advertised().isEmpty()) {
      return bound.portal().advertised().stream();
    }
    InetAddress address = bound.address().getAddress();
    return Stream.of(
        text(address.isAnyLocalAddress() ? local.getAddress() : address)
            + ":"
            + bound.address().getPort());
  }

  static String text(InetSocketAddress address) {
    return text(address.getAddress()) + ":" + address.getPort();
  }

  private static String text(InetAddress address) {
    String text = address.getHostAddress();
    return address instanceof Inet6Address ? "[" + text.replaceFirst("%.*", "") + "]" : text;
  }
}
