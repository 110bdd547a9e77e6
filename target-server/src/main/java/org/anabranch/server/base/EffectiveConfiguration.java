// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.base;

import org.anabranch.config.Configuration;

/**
 * What a server serves: its configuration file, and what commands have made besides. Immutable.
 *
 * @param file what the file says
 * @param made what was made at run time
 * @param whole both together, see {@link MadeAtRunTime#over}
 */
public record EffectiveConfiguration(Configuration file, MadeAtRunTime made, Configuration whole) {
  /** Puts the two together. */
  public static EffectiveConfiguration of(Configuration file, MadeAtRunTime made) {
    return new EffectiveConfiguration(file, made, made.over(file));
  }

  /** With another file. */
  public EffectiveConfiguration with(Configuration otherFile) {
    return of(otherFile, made);
  }

  /** With other things made at run time. */
  public EffectiveConfiguration with(MadeAtRunTime otherMade) {
    return of(file, otherMade);
  }
}
