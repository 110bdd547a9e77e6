// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import org.anabranch.block.count.Counts;
import org.jspecify.annotations.Nullable;

/** The terms on which a server accepts logins. They may change while it runs. Any thread. */
public interface LoginTerms {
  /** The limits of now. */
  IscsiLimits limits();

  /** The terms of discovery sessions. */
  DiscoveryPolicy discovery();

  /** What the server counts. */
  Counts counts();

  /** The target node of this name, normalised; null if there is none. */
  @Nullable TargetNode node(String name);
}
