// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

/** The type of a session (RFC 7143 13.21). */
public enum SessionType {
  /** For commands to the units of a target. */
  NORMAL,
  /** For SendTargets only. */
  DISCOVERY
}
