// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.dm;

import java.util.List;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Doc;

/** The result of the verbs that change devices. */
public record Done(@Doc("the devices that were named") List<String> done) {
  static Done of(String... names) {
    return new Done(List.of(names));
  }

  /** What is done to one device. */
  interface Change {
    void to(String device) throws RefusedException;
  }

  /** Does it to each in turn, and stops at the first that refuses. */
  static Done each(Names names, Change change) throws RefusedException {
    if (names.names().isEmpty()) {
      throw new RefusedException("argument names is missing: the devices");
    }
    for (String name : names.names()) {
      change.to(name);
    }
    return new Done(names.names());
  }
}
