// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.source;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * An export of an NBD server, named by a URI as the NBD project has it ("doc/uri.md"): {@code
 * nbd://HOST[:PORT]/EXPORT} or {@code nbd+unix:///EXPORT?socket=PATH}, with an empty EXPORT for the
 * server's default.
 *
 * @param server a {@link UnixDomainSocketAddress} of an absolute path, or an unresolved {@link
 *     InetSocketAddress}
 * @param export the export's name, decoded
 */
public record NbdSource(SocketAddress server, String export) implements VolumeSource {
  /** What {@link #parse} takes, in words. */
  public static final String FORM = "nbd://HOST[:PORT]/EXPORT or nbd+unix:///EXPORT?socket=/PATH";

  private static final int PORT = 10809;
  private static final int MAX_EXPORT_BYTES = 4096;
  private static final String SOCKET = "socket=";

  /** Whether a word is meant as a URI of NBD, right or wrong. */
  public static boolean isMeant(String address) {
    return address.startsWith("nbd://") || address.startsWith("nbd+unix://");
  }

  /** Reads a URI; null if it is none of the two kinds. */
  public static @Nullable NbdSource parse(String text) {
    try {
      URI uri = new URI(text);
      String path = uri.getPath();
      if (uri.getScheme() == null
          || path == null
          || uri.getFragment() != null
          || uri.getUserInfo() != null) {
        return null;
      }
      String export = path.startsWith("/") ? path.substring(1) : path;
      if (export.getBytes(StandardCharsets.UTF_8).length > MAX_EXPORT_BYTES) {
        return null;
      }
      return switch (uri.getScheme().toLowerCase(Locale.ROOT)) {
        case "nbd" -> overTcp(uri, export);
        case "nbd+unix" -> overUnixSocket(uri, export);
        default -> null;
      };
    } catch (URISyntaxException | InvalidPathException e) {
      return null; // the caller says what is allowed
    }
  }

  private static @Nullable NbdSource overTcp(URI uri, String export) {
    String host = uri.getHost();
    int port = uri.getPort() == -1 ? PORT : uri.getPort();
    if (host == null || uri.getQuery() != null || port < 1 || port > 65_535) {
      return null;
    }
    String bare = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
    return new NbdSource(
        InetSocketAddress.createUnresolved(bare.toLowerCase(Locale.ROOT), port), export);
  }

  private static @Nullable NbdSource overUnixSocket(URI uri, String export) {
    String query = uri.getQuery();
    if (query == null
        || !query.startsWith(SOCKET)
        || uri.getRawQuery().contains("&") // there is no other parameter
        || uri.getAuthority() != null) {
      return null;
    }
    Path socket = Path.of(query.substring(SOCKET.length()));
    return socket.isAbsolute()
        ? new NbdSource(UnixDomainSocketAddress.of(socket.normalize()), export)
        : null;
  }

  /** The URI, always in the same form. */
  @Override
  public String address() {
    try {
      if (server instanceof UnixDomainSocketAddress unix) {
        return new URI("nbd+unix", "", "/" + export, SOCKET + unix.getPath(), null).toASCIIString();
      }
      InetSocketAddress host = (InetSocketAddress) server;
      String name = host.getHostString();
      return new URI(
              "nbd",
              null,
              name.contains(":") ? "[" + name + "]" : name,
              host.getPort(),
              "/" + export,
              null,
              null)
          .toASCIIString();
    } catch (URISyntaxException e) {
      throw new IllegalStateException(export + " at " + server, e);
    }
  }

  @Override
  public String key() {
    return "nbd";
  }
}
