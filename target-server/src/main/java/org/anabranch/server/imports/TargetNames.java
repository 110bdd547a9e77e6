// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.imports;

import org.anabranch.naming.IscsiName;
import org.jspecify.annotations.Nullable;

/** Which names of targets the configuration takes. */
final class TargetNames {
  private TargetNames() {}

  /** Why a target cannot have this name here; null if it can. */
  static @Nullable String flaw(String name) {
    String flaw = IscsiName.flaw(name);
    if (flaw != null) {
      return flaw;
    }
    if (name.indexOf('*') >= 0) {
      return "its name has a *";
    }
    return name.indexOf('.') < 0 && name.indexOf(':') < 0
        ? "its name is no iSCSI name such as iqn.2026-11.org.example:vm1"
        : null;
  }
}
