// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import org.anabranch.block.count.Counts;
import org.anabranch.iscsi.shares.LoginPace;
import org.jspecify.annotations.Nullable;

/** The conditions under which a server accepts logins. They may change. Thread-safe. */
public interface LoginTerms {
  /** The current limits. */
  IscsiLimits limits();

  /**
   * The limits that a login which begins now is offered: the current ones, but for a shorter
   * FirstBurstLength while memory for unsolicited data is scarce.
   */
  IscsiLimits offered();

  /** The terms of discovery sessions. */
  DiscoveryPolicy discovery();

  /** What the server counts. */
  Counts counts();

  /** How long proofs wait, by the failures before. */
  ChapDelays chapDelays();

  /** How fast addresses may log in. */
  LoginPace loginPace();

  /** The target node of this name, normalised; null if there is none. */
  @Nullable TargetNode node(String name);
}
