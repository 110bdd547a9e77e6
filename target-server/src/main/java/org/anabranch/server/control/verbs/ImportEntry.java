// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import org.anabranch.server.control.Doc;
import org.anabranch.server.exports.receive.UnderWay;
import org.anabranch.server.exports.receive.VolumeImports;
import org.jspecify.annotations.Nullable;

/** A stream that is being received or written to its volume. */
public record ImportEntry(
    @Doc("that becomes what the stream says") String volume,
    @Doc("NAME of the snapshot that is taken then; absent until the stream has said it")
        @Nullable String snapshot,
    @Doc("receiving, applying (all was received and is right, and the volume is written)")
        VolumeImportVerb.Phase phase,
    @Doc("of the stream, bytes that were received, or written") long doneBytes,
    @Doc("of the stream; 0 while it is received, and its length is not known") long totalBytes) {
  static ImportEntry of(UnderWay underWay) {
    VolumeImports.State state = underWay.state();
    return new ImportEntry(
        underWay.volume(),
        underWay.snapshot(),
        state.applying() ? VolumeImportVerb.Phase.APPLYING : VolumeImportVerb.Phase.RECEIVING,
        state.done(),
        state.applying() ? state.total() : 0);
  }
}
