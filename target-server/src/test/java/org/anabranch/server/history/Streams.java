// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.history;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.channels.Channels;
import org.anabranch.server.Site;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.verbs.VolumeImportVerb;
import org.anabranch.server.control.verbs.snapshots.SnapshotExportVerb;

/** Streams of snapshots, in memory. */
final class Streams {
  private Streams() {}

  static byte[] export(Site site, String snapshot) throws RefusedException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    var _ =
        site.client()
            .download(
                SnapshotExportVerb.CALL,
                new SnapshotExportVerb.Arguments(snapshot, null, false, null, false),
                state -> {},
                data -> {
                  byte[] bytes = new byte[data.remaining()];
                  data.get(bytes);
                  out.writeBytes(bytes);
                });
    return out.toByteArray();
  }

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
