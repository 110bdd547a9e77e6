// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How initiators of a target prove who they are (RFC 1994, RFC 7143 12.1.3).
 *
 * @param user the name that the initiator gives
 * @param secret what the initiator proves to know
 * @param digests what may be used; of these the initiator chooses
 * @param mutual how the target proves itself in turn, when asked to; its secret is another one
 */
public record ChapConfig(
    String user, Secret secret, Set<ChapDigest> digests, @Nullable Mutual mutual) {
  public ChapConfig {
    digests = Set.copyOf(digests);
  }

  /**
   * The target's half of mutual CHAP.
   *
   * @param user the name that the target gives
   * @param secret what the target proves to know
   */
  public record Mutual(String user, Secret secret) {}
}
