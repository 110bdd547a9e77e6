// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.cache;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;

/** The boot of the kernel: another one after each start of the machine, the same in containers. */
public record BootId(UUID id) {
  private static final Path FILE = Path.of("/proc/sys/kernel/random/boot_id");

  /**
   * The boot that this process runs in.
   *
   * @throws IOException with a message of one line, if the kernel does not say it
   */
  public static BootId current() throws IOException {
    String text = Files.readString(FILE).strip();
    try {
      return new BootId(UUID.fromString(text));
    } catch (IllegalArgumentException e) {
      throw new IOException(FILE + ": not a boot id: " + text, e);
    }
  }
}
