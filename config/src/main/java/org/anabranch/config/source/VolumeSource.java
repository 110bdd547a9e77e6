// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.source;

/**
 * Where the image of a volume is kept. Each kind of source belongs to one backend of the server;
 * what differs between kinds is that backend's business alone. Equal sources are the same image.
 */
public sealed interface VolumeSource permits FileSource, NbdSource, RbdSource {
  /**
   * The word for the image in device tables and messages, such as {@code /srv/vm1.img}. It has a
   * slash in it, which no name of a volume or device has.
   */
  String address();

  /** The configuration key that says where the image is, such as {@code path}. */
  String key();

  /** The keys in which another source of the same kind may differ, in words. */
  default String keys() {
    return key();
  }
}
