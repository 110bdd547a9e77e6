// SPDX-License-Identifier: Apache-2.0
package org.anabranch.jscsi;

import org.jspecify.annotations.Nullable;

/** Login stages, the values of CSG and NSG (RFC 7143 11.12.3). */
public enum LoginStage {
  SECURITY_NEGOTIATION(org.jscsi.parser.login.LoginStage.SECURITY_NEGOTIATION),
  OPERATIONAL_NEGOTIATION(org.jscsi.parser.login.LoginStage.LOGIN_OPERATIONAL_NEGOTIATION),
  FULL_FEATURE_PHASE(org.jscsi.parser.login.LoginStage.FULL_FEATURE_PHASE);

  private final org.jscsi.parser.login.LoginStage jscsi;

  LoginStage(org.jscsi.parser.login.LoginStage jscsi) {
    this.jscsi = jscsi;
  }

  org.jscsi.parser.login.LoginStage jscsi() {
    return jscsi;
  }

  public int code() {
    return jscsi.value();
  }

  /** Null for a value that is reserved (2). */
  static @Nullable LoginStage of(org.jscsi.parser.login.@Nullable LoginStage jscsi) {
    for (LoginStage stage : values()) {
      if (stage.jscsi == jscsi) {
        return stage;
      }
    }
    return null;
  }
}
