// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports.receive;

import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.Progress;

/** Reports progress from where nothing but input and output may fail. */
final class ImportReports {
  private static final long REPORT_NANOS = 100_000_000;

  private final UnderWay underWay;
  private final Progress<VolumeImports.State> progress;
  private final boolean applying;
  private final long total;
  private long reported = System.nanoTime() - REPORT_NANOS;
  private boolean gone;

  ImportReports(
      UnderWay underWay, Progress<VolumeImports.State> progress, boolean applying, long total) {
    this.underWay = underWay;
    this.progress = progress;
    this.applying = applying;
    this.total = total;
  }

  /** The client is gone. */
  static final class GoneException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    GoneException(ClientGoneException cause) {
      super(cause);
    }

    ClientGoneException gone() {
      return new ClientGoneException(this);
    }
  }

  /** While it is applied, it goes on without a client. */
  void at(long done) {
    VolumeImports.State state = new VolumeImports.State(applying, done, total);
    underWay.at(state);
    if (gone || System.nanoTime() - reported < REPORT_NANOS) {
      return;
    }
    reported = System.nanoTime();
    try {
      progress.report(state);
    } catch (ClientGoneException e) {
      if (!applying) {
        throw new GoneException(e);
      }
      gone = true;
    }
  }
}
