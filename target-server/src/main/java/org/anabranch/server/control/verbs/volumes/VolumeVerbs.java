// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.volumes;

import java.util.List;
import org.anabranch.server.control.Verb;
import org.anabranch.server.volumes.RuntimeVolumes;

/** The list of the verbs for volumes that are made at run time. */
public final class VolumeVerbs {
  private VolumeVerbs() {}

  /** All of them. */
  public static List<Verb<?, ?, ?>> all(RuntimeVolumes volumes) {
    return List.of(
        new VolumeCreateVerb(volumes),
        new VolumeRemoveVerb(volumes),
        new VolumeRenameVerb(volumes));
  }
}
