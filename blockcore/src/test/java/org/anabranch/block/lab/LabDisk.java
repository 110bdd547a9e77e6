// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.lab;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** One disk of the guest that holds the devices of many stores, one behind the other. */
final class LabDisk {
  private final Path path;
  private long end;

  LabDisk(Path path) {
    this.path = path;
  }

  Path path() {
    return path;
  }

  /** Puts a device behind the others; its first sector. */
  long add(byte[] content) throws IOException {
    long at = end;
    try (FileChannel file =
        FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      ByteBuffer bytes = ByteBuffer.wrap(content);
      while (bytes.hasRemaining()) {
        file.write(bytes, at * 512 + bytes.position());
      }
    }
    end = at + content.length / 512;
    return at;
  }

  byte[] read(long sector, int sectors) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(sectors * 512);
    try (FileChannel file = FileChannel.open(path, StandardOpenOption.READ)) {
      while (bytes.hasRemaining()) {
        if (file.read(bytes, sector * 512 + bytes.position()) < 0) {
          throw new IOException(path + " ends in sector " + (sector + bytes.position() / 512));
        }
      }
    }
    return bytes.array();
  }
}
