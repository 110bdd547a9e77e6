// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.life.disk;

/** What a sync does: as it should, or as if the server had left it out or made it elsewhere. */
public enum SyncEffect {
  /** It makes things durable. */
  NOW,
  /** Nothing. */
  NEVER,
  /**
   * What it should, but only before the first sync after the next one of the folder {@code state}.
   */
  LATER
}
