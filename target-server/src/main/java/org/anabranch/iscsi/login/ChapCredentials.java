// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.anabranch.naming.AccessList;
import org.anabranch.naming.InitiatorPattern;
import org.anabranch.naming.IscsiName;
import org.jspecify.annotations.Nullable;

/**
 * A CHAP user (RFC 7143 12.1.3): the secret of the initiator, and the secret that the target uses
 * for mutual CHAP. {@code toString} never shows a secret.
 *
 * @param user the initiator's CHAP name
 * @param secret the initiator's secret, UTF-8 on the wire
 * @param mutualUser the target's CHAP name, or null without mutual CHAP
 * @param mutualSecret the target's secret; differs from the initiator's
 * @param digests the digests that are accepted; the initiator chooses one of them
 * @param initiators the initiators that may use this user; empty for all
 */
public record ChapCredentials(
    String user,
    String secret,
    @Nullable String mutualUser,
    @Nullable String mutualSecret,
    Set<ChapDigest> digests,
    List<InitiatorPattern> initiators) {
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
    initiators = List.copyOf(initiators);
  }

  /** For every initiator. */
  public ChapCredentials(
      String user,
      String secret,
      @Nullable String mutualUser,
      @Nullable String mutualSecret,
      Set<ChapDigest> digests) {
    this(user, secret, mutualUser, mutualSecret, digests, List.of());
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

  /** Whether an initiator may be this user. */
  boolean isFor(IscsiName initiator) {
    return AccessList.matches(initiators, initiator);
  }

  @Override
  public String toString() {
    return "CHAP user " + user + (mutualUser == null ? "" : ", mutual user " + mutualUser);
  }
}
