// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import org.anabranch.block.count.Counter;

/** What a server counts of logins and of how their sessions end. */
public enum LoginCounter implements Counter {
  LOGINS("Normal sessions that logged in"),
  DISCOVERY_LOGINS("Discovery sessions that logged in"),
  DISCOVERY_DISPLACED("Discovery sessions ended because others needed their place"),
  REINSTATEMENTS("Logins that took the place of a session that had not logged out"),
  WAITED("Logins that waited because their address logs in too often"),
  LOGOUTS("Normal sessions that the initiator logged out"),
  SESSIONS_LOST("Normal sessions whose connection was lost or dropped, or that were reinstated"),
  SESSIONS_ENDED("Normal sessions that the target ended");

  private final String words;

  LoginCounter(String words) {
    this.words = words;
  }

  @Override
  public String words() {
    return words;
  }

  @Override
  public String layer() {
    return "login";
  }
}
