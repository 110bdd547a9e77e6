// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.zip.GZIPInputStream;

/** The files that a Linux kernel wrote. */
public final class Golden {
  private Golden() {}

  /** A device image, such as {@code p8.before.cow}. */
  public static byte[] image(String name) {
    try (InputStream in = new GZIPInputStream(open(name + ".img.gz"))) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A record of what was done, such as {@code p8.txt}. */
  public static String text(String name) {
    try (InputStream in = open(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static InputStream open(String name) {
    return Objects.requireNonNull(Golden.class.getResourceAsStream("/golden/" + name), name);
  }
}
