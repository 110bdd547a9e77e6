// SPDX-License-Identifier: Apache-2.0
package org.anabranch.jscsi;

/**
 * Logout Request (RFC 7143 11.14).
 *
 * @param connectionId 16 bits; means nothing for {@link Reason#CLOSE_SESSION}
 */
public record LogoutRequest(Reason reason, int taskTag, int connectionId) {
  /** Reason codes (11.14.1). */
  public enum Reason {
    CLOSE_SESSION,
    CLOSE_CONNECTION,
    CONNECTION_RECOVERY
  }
}
