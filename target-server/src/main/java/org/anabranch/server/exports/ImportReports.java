// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports;

import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.Progress;

/** Reports progress from where nothing but input and output may fail. */
final class ImportReports {
  private static final long REPORT_NANOS = 100_000_000;

  private final Progress<VolumeImports.State> progress;
  private final boolean applying;
  private final long total;
  private long reported = System.nanoTime() - REPORT_NANOS;
  private boolean gone;

  ImportReports(Progress<VolumeImports.State> progress, boolean applying, long total) {
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
    if (gone || System.nanoTime() - reported < REPORT_NANOS) {
      return;
    }
    reported = System.nanoTime();
    try {
      progress.report(new VolumeImports.State(applying, done, total));
    } catch (ClientGoneException e) {
      if (!applying) {
        throw new GoneException(e);
      }
      gone = true;
    }
  }
}
