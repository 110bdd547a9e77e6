// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The address of a Unix socket wherever it is. The system takes {@value #MAX_BYTES} bytes; a longer
 * path is gone by way of a link to its folder, which only its maker can read and which goes at
 * {@link #close}: the socket itself is in the folder, under its name.
 */
final class SocketPath implements AutoCloseable {
  /** Of Linux's sockaddr_un, without the two at its end that the JDK leaves free. */
  static final int MAX_BYTES = 106;

  private final UnixDomainSocketAddress address;
  private final @Nullable Path link;

  private SocketPath(UnixDomainSocketAddress address, @Nullable Path link) {
    this.address = address;
    this.link = link;
  }

  static SocketPath of(Path socket) throws IOException {
    if (socket.toString().getBytes(StandardCharsets.UTF_8).length <= MAX_BYTES) {
      return new SocketPath(UnixDomainSocketAddress.of(socket), null);
    }
    Path absolute = socket.toAbsolutePath();
    Path link = Files.createTempDirectory(temporary(), "anabranch").resolve("s");
    Files.createSymbolicLink(link, Objects.requireNonNull(absolute.getParent()));
    Path name = Objects.requireNonNull(absolute.getFileName());
    return new SocketPath(UnixDomainSocketAddress.of(link.resolve(name)), link);
  }

  /** The folder for temporary files, unless its own path is too long for the purpose. */
  private static Path temporary() {
    Path configured = Path.of(System.getProperty("java.io.tmpdir"));
    return configured.toString().length() <= MAX_BYTES / 2 ? configured : Path.of("/tmp");
  }

  /** Good until {@link #close}. */
  UnixDomainSocketAddress address() {
    return address;
  }

  @Override
  public void close() throws IOException {
    if (link != null) {
      Files.delete(link);
      Files.delete(Objects.requireNonNull(link.getParent()));
    }
  }
}
