// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import java.nio.file.Path;
import java.util.UUID;

/**
 * What a server remembers of the file behind a volume, so that it notices when another file is in
 * its place. Immutable.
 *
 * @param volume the volume's name
 * @param uuid the volume's identity, for its whole life; its file carries it where it can
 * @param marked whether the file carries it, see {@code ImageMark}
 * @param path where the file was, absolute
 * @param device number of the file system; -1 for a block device
 * @param inode number of the file; -1 for a block device
 * @param bytes how long the volume was
 */
public record VolumeRecord(
    String volume, UUID uuid, boolean marked, Path path, long device, long inode, long bytes) {
  /** The same with another length. */
  public VolumeRecord withBytes(long newBytes) {
    return new VolumeRecord(volume, uuid, marked, path, device, inode, newBytes);
  }
}
