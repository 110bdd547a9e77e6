// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.serve;

import java.util.List;
import org.anabranch.server.storage.Backends;
import org.anabranch.server.storage.file.FileBackend;
import org.anabranch.server.storage.nbd.NbdBackend;
import org.anabranch.server.storage.rbd.RbdBackend;

/** Where a server can keep the images of volumes: one line for each backend. */
public final class StandardBackends {
  /** In the order in which they are asked; files are the last, since any word may be a path. */
  public static Backends all() {
    return new Backends(List.of(new NbdBackend(), new RbdBackend(), new FileBackend()));
  }

  private StandardBackends() {}
}
