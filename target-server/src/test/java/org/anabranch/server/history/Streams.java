// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.history;

import java.io.ByteArrayInputStream;
import java.nio.channels.Channels;
import org.anabranch.server.Site;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.verbs.VolumeImportVerb;

/** Streams of snapshots, in memory. */
final class Streams {
  private Streams() {}

  /** Makes a volume of a stream. */
  static void receive(Site site, String volume, byte[] stream) throws RefusedException {
    var _ =
        site.client()
            .upload(
                VolumeImportVerb.CALL,
                new VolumeImportVerb.Arguments(volume, null, false),
                state -> {},
                Channels.newChannel(new ByteArrayInputStream(stream)));
  }
}
