// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import org.anabranch.iscsi.login.Text;

/** Discovery by SendTargets (RFC 7143 appendix C). Any thread. */
public interface Discovery {
  /** Whether this is a value of SendTargets: All, nothing, or the name of a target. */
  boolean isRequest(String which);

  /** Adds the requested targets with their addresses, as far as the initiator may see them. */
  void answer(Session session, String which, Text answers);
}
