// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.util.List;
import java.util.Set;
import org.anabranch.naming.InitiatorPattern;
import org.jspecify.annotations.Nullable;

/**
 * A CHAP user: how an initiator proves its identity (RFC 1994, RFC 7143 12.1.3).
 *
 * @param user the name that the initiator gives
 * @param secret the secret that the initiator proves to know
 * @param digests the digests that are accepted; the initiator chooses one of them
 * @param mutual how the target proves its identity in turn, when the initiator asks for it
 * @param initiators the only initiators that may log in as this user; empty: every one
 */
public record ChapConfig(
    String user,
    Secret secret,
    Set<ChapDigest> digests,
    @Nullable Mutual mutual,
    List<InitiatorPattern> initiators) {
  public ChapConfig {
    digests = Set.copyOf(digests);
    initiators = List.copyOf(initiators);
  }

  /**
   * The target's half of mutual CHAP.
   *
   * @param user the name that the target gives
   * @param secret the secret that the target proves to know
   */
  public record Mutual(String user, Secret secret) {}
}
