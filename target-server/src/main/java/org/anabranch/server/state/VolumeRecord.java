// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import java.util.UUID;

/**
 * What a server remembers of the image of a volume, so that it notices another one in its place.
 * Immutable.
 *
 * @param volume the volume's name
 * @param uuid the volume's identity, for its whole life; its image carries it where it can
 * @param marked whether the image carries it
 * @param address where the image was, see {@code VolumeSource}
 * @param id which image it was, see {@code ImageFacts}; empty when only its length is known
 * @param bytes how long the volume was
 */
public record VolumeRecord(
    String volume, UUID uuid, boolean marked, String address, String id, long bytes) {
  /** The same of a volume of another name. */
  public VolumeRecord of(String newVolume) {
    return new VolumeRecord(newVolume, uuid, marked, address, id, bytes);
  }

  /** The same with another length. */
  public VolumeRecord withBytes(long newBytes) {
    return new VolumeRecord(volume, uuid, marked, address, id, newBytes);
  }
}
