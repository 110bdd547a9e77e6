// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import org.anabranch.scsi.NexusListener;
import org.jspecify.annotations.Nullable;

/**
 * Takes asynchronous events of a nexus to the session that has it now, on its event loop. Any
 * thread.
 */
final class EventRelay implements NexusListener {
  private volatile @Nullable Session session;

  void to(Session current) {
    session = current;
  }

  @Override
  public void asynchronousEvent(long lun, byte[] sense) {
    Session current = session;
    if (current != null) {
      current.connection().channel().eventLoop().execute(() -> current.scsiEvent(lun, sense));
    }
  }
}
