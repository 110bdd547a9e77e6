// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.http;

import io.prometheus.metrics.model.snapshots.Labels;
import org.anabranch.server.control.verbs.RunningServer;
import org.anabranch.server.exports.receive.UnderWay;
import org.anabranch.server.exports.receive.VolumeImports;
import org.anabranch.server.volumes.VolumeCopy;

/**
 * What is being moved in bulk now: copies of snapshots into new volumes, and imports of streams.
 */
final class DataMetrics {
  private static final String PREFIX = "anabranch_";

  private DataMetrics() {}

  static void add(Families families, RunningServer server) {
    families.gauge(
        PREFIX + "volume_copies",
        "New volumes that are being filled from snapshots",
        Labels.EMPTY,
        server.volumes().copies().size());
    families.gauge(
        PREFIX + "imports",
        "Streams that are being received or written",
        Labels.EMPTY,
        server.volumeImports().underWay().size());
    server.volumes().copies().forEach(copy -> copy(families, copy));
    server.volumeImports().underWay().forEach(each -> imports(families, each));
  }

  private static void copy(Families families, VolumeCopy copy) {
    Labels labels = Labels.of("volume", copy.volume(), "from", copy.from());
    families.gauge(
        PREFIX + "volume_copy_done_bytes",
        "What the copy has done of the snapshot",
        labels,
        (double) copy.state().done());
    families.gauge(
        PREFIX + "volume_copy_size_bytes",
        "How long the snapshot is",
        labels,
        (double) copy.state().total());
  }

  private static void imports(Families families, UnderWay each) {
    VolumeImports.State state = each.state();
    Labels labels = Labels.of("volume", each.volume());
    families.gauge(
        PREFIX + "import_received_bytes",
        "What was received of the stream",
        labels,
        (double) (state.applying() ? state.total() : state.done()));
    families.gauge(
        PREFIX + "import_applying",
        "1 when the whole stream was received and the volume is being written",
        labels,
        state.applying() ? 1 : 0);
    families.gauge(
        PREFIX + "import_applied_bytes",
        "What was written of the stream",
        labels,
        state.applying() ? (double) state.done() : 0);
  }
}
