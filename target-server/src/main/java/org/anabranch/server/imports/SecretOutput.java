// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.imports;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.anabranch.config.Secret;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.StateDirectory;
import org.jspecify.annotations.Nullable;

/**
 * Where the secrets of an import go: into the configuration, or each into a file of its own with
 * mode 0600, which the configuration names. A file that exists with another secret is never written
 * over.
 */
public final class SecretOutput {
  private static final int MAX_NAME = 100;

  private final @Nullable Path folder;
  private final Set<String> names = new HashSet<>();
  private boolean shown;

  /**
   * @param folder of the files; null: secrets go into the configuration
   */
  public SecretOutput(@Nullable Path folder) {
    this.folder = folder == null ? null : folder.toAbsolutePath().normalize();
  }

  /** Whether a secret went into the configuration. */
  boolean hasShown() {
    return shown;
  }

  /**
   * The key and value that say what a user's secret is.
   *
   * @param subject whose it is, for the file's name
   */
  String line(String subject, Secret secret) throws RefusedException {
    if (folder == null) {
      shown = true;
      return "secret = " + Hocon.quote(new String(secret.bytes(), StandardCharsets.UTF_8));
    }
    Path file = folder.resolve(name(subject));
    try {
      Files.createDirectories(
          folder,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      write(file, secret.bytes());
    } catch (FileAlreadyExistsException e) {
      throw new RefusedException(file + " exists with another secret: use another folder", e);
    } catch (IOException e) {
      throw new RefusedException(file + " cannot be written: " + StateDirectory.reason(e), e);
    }
    return "secret-file = " + Hocon.quote(file.toString());
  }

  private String name(String subject) {
    String plain = subject.replaceAll("[^A-Za-z0-9._+-]", "-").replaceFirst("^[.]+", "");
    String base = plain.substring(0, Math.min(plain.length(), MAX_NAME));
    String name = base + ".secret";
    for (int i = 2; !names.add(name); i++) {
      name = base + "-" + i + ".secret";
    }
    return name;
  }

  private static void write(Path file, byte[] secret) throws IOException {
    byte[] line = Arrays.copyOf(secret, secret.length + 1);
    line[secret.length] = '\n';
    if (Files.isRegularFile(file) && Arrays.equals(Files.readAllBytes(file), line)) {
      return;
    }
    try (FileChannel channel =
        FileChannel.open(
            file,
            Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
      ByteBuffer bytes = ByteBuffer.wrap(line);
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(true);
    }
  }
}
