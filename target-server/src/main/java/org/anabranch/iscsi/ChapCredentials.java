// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * CHAP (RFC 7143 12.1.3): what an initiator must prove to know, and what the target proves in turn
 * if it is asked to (mutual CHAP). Its text form never shows a secret.
 *
 * @param user the initiator's CHAP name
 * @param secret the initiator's secret, UTF-8 on the wire
 * @param mutualUser the target's CHAP name, or null if it proves nothing
 * @param mutualSecret the target's secret; differs from the initiator's
 * @param digests what may be used; of these the initiator chooses
 */
public record ChapCredentials(
    String user,
    String secret,
    @Nullable String mutualUser,
    @Nullable String mutualSecret,
    Set<ChapDigest> digests) {
  public ChapCredentials {
    if ((mutualUser == null) != (mutualSecret == null)) {
      throw new IllegalArgumentException("mutual CHAP needs a name and a secret");
    }
    if (secret.equals(mutualSecret)) {
      throw new IllegalArgumentException("the two directions of CHAP need different secrets");
    }
    if (digests.isEmpty()) {
      throw new IllegalArgumentException("CHAP needs a digest");
    }
    digests = Set.copyOf(digests);
  }

  /** With every digest. */
  public ChapCredentials(
      String user, String secret, @Nullable String mutualUser, @Nullable String mutualSecret) {
    this(user, secret, mutualUser, mutualSecret, EnumSet.allOf(ChapDigest.class));
  }

  /** One direction only, with every digest. */
  public ChapCredentials(String user, String secret) {
    this(user, secret, null, null);
  }

  @Override
  public String toString() {
    return "CHAP user " + user + (mutualUser == null ? "" : ", mutual user " + mutualUser);
  }
}
