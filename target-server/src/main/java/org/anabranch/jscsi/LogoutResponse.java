// SPDX-License-Identifier: Apache-2.0
package org.anabranch.jscsi;

/** Responses to a logout (RFC 7143 11.15.1). */
public enum LogoutResponse {
  CLOSED(org.jscsi.parser.logout.LogoutResponse.CONNECTION_CLOSED_SUCCESSFULLY),
  CONNECTION_NOT_FOUND(org.jscsi.parser.logout.LogoutResponse.CID_NOT_FOUND),
  RECOVERY_NOT_SUPPORTED(org.jscsi.parser.logout.LogoutResponse.CONNECTION_RECOVERY_NOT_SUPPORTED),
  CLEANUP_FAILED(org.jscsi.parser.logout.LogoutResponse.CLEANUP_FAILED);

  private final org.jscsi.parser.logout.LogoutResponse jscsi;

  LogoutResponse(org.jscsi.parser.logout.LogoutResponse jscsi) {
    this.jscsi = jscsi;
  }

  org.jscsi.parser.logout.LogoutResponse jscsi() {
    return jscsi;
  }
}
