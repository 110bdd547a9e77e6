// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.anabranch.config.Secret;
import org.jspecify.annotations.Nullable;

/**
 * Reads a CHAP secret: from {@code secret}, or from the file that {@code secret-file} names. The
 * file is regular and holds the secret in UTF-8 on one line, whose end does not count.
 */
final class SecretReader {
  private static final String VALUE = "secret";
  private static final String FILE = "secret-file";

  /** The largest secret, and the end of its line. */
  private static final int MAX_FILE_BYTES = Secret.MAX_BYTES + 2;

  private final Path baseDir;

  /** Those that secrets were read from. */
  private final Set<Path> files = new HashSet<>();

  /**
   * @param baseDir the folder that {@code secret-file} is relative to
   */
  SecretReader(Path baseDir) {
    this.baseDir = baseDir;
  }

  /** The files that secrets were read from so far. */
  Set<Path> files() {
    return Set.copyOf(files);
  }

  /** The secret of a user, or null and a problem. */
  @Nullable Secret read(Section section) {
    boolean inFile = section.has(FILE);
    if (section.has(VALUE)) {
      if (inFile) {
        section.problem(FILE, "given beside secret", "one of the two");
      }
      return section.required(VALUE, ValueFormat.SECRET);
    }
    if (!inFile) {
      section.missing(
          VALUE,
          "missing (if it comes from an environment variable, that variable is not set)",
          ValueFormat.SECRET.allowed() + ", or secret-file");
      return null;
    }
    String name = section.required(FILE, ValueFormat.PATH);
    if (name == null) {
      return null;
    }
    Path file = ConfigurationReader.path(baseDir, name);
    files.add(file);
    return fromFile(section, file);
  }

  private static @Nullable Secret fromFile(Section section, Path file) {
    String shown = Problems.printable(file.toString());
    try {
      if (!Files.isRegularFile(file)) {
        section.problem(
            FILE, shown + (Files.exists(file) ? " is no regular file" : ": no such file"), "");
        return null;
      }
      String flaw = FileReaders.tooMany(file);
      if (flaw != null) {
        section.warn(FILE, shown + " has a CHAP secret, and " + flaw, "");
      }
      return secret(section, shown, text(file));
    } catch (IOException e) {
      section.problem(FILE, shown + ": " + FileReason.of(e), "");
    } catch (UnsupportedOperationException e) {
      section.problem(FILE, shown + ": who can read it is not known on this file system", "");
    }
    return null;
  }

  /** What is in the file, without the end of its line; a larger file is cut. */
  private static String text(Path file) throws IOException {
    byte[] bytes;
    try (InputStream in = Files.newInputStream(file)) {
      bytes = in.readNBytes(MAX_FILE_BYTES + 1);
    }
    if (bytes.length > MAX_FILE_BYTES) {
      return "x".repeat(bytes.length); // too long, wherever its last character is cut
    }
    String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    return text.endsWith("\r\n")
        ? text.substring(0, text.length() - 2)
        : text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
  }

  private static @Nullable Secret secret(Section section, String file, String text) {
    if (text.indexOf('\n') >= 0) {
      section.problem(FILE, file + " has more than one line", "the secret alone");
      return null;
    }
    int length = new Secret(text).length();
    if (length < Secret.MIN_BYTES || length > Secret.MAX_BYTES) {
      String found = length > Secret.MAX_BYTES ? "more than " + Secret.MAX_BYTES : "" + length;
      section.problem(
          FILE, file + " has a secret of " + found + " bytes", ValueFormat.SECRET.allowed());
      return null;
    }
    return new Secret(text);
  }
}
