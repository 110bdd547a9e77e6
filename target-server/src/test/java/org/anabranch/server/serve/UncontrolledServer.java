// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.serve;

import org.anabranch.config.Configuration;
import org.anabranch.server.admin.ConfigurationSource;
import org.anabranch.server.base.RefusedException;

/** Starts servers without a control socket, whose files may be on any file system. */
public final class UncontrolledServer {
  private UncontrolledServer() {}

  /** Starts one. */
  public static Server start(Configuration configuration, ConfigurationSource source)
      throws RefusedException {
    return Server.startWithoutControl(configuration, source);
  }
}
