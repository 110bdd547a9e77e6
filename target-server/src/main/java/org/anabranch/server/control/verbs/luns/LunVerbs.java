// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.luns;

import java.util.List;
import org.anabranch.server.control.Verb;
import org.anabranch.server.volumes.RuntimeLuns;

/** The list of the verbs for LUNs. */
public final class LunVerbs {
  private LunVerbs() {}

  /** All of them. */
  public static List<Verb<?, ?, ?>> all(RuntimeLuns luns) {
    return List.of(new LunAddVerb(luns), new LunRemoveVerb(luns), new LunListVerb(luns));
  }
}
