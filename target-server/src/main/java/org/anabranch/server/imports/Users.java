// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.imports;

import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Base64;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.anabranch.config.ChapConfig;
import org.anabranch.config.ChapDigest;
import org.anabranch.config.Secret;
import org.anabranch.naming.InitiatorPattern;
import org.jspecify.annotations.Nullable;

/**
 * CHAP users of another server. A secret that cannot be kept is replaced by a random one, and never
 * left out: without it the target would be open.
 */
final class Users {
  /** What {@code tgt-admin --dump} writes in place of a secret, which it does not know. */
  private static final String NO_PASSWORD = "PLEASE_CORRECT_THE_PASSWORD";

  private static final int RANDOM_BYTES = 12; // 16 characters of Base64: all initiators take them
  private static final Set<ChapDigest> ALL = EnumSet.allOf(ChapDigest.class);

  private final Losses losses;
  private final Map<String, Secret> made = new HashMap<>();
  private final SecureRandom random = new SecureRandom();

  Users(Losses losses) {
    this.losses = losses;
  }

  /** A name and a secret as the other server writes them. */
  record Account(String user, String secret) {}

  /** The users of a target, each once for the same initiators. */
  List<ChapConfig> of(
      String where,
      List<Account> accounts,
      @Nullable Account mutual,
      List<InitiatorPattern> initiators) {
    List<ChapConfig> users = new ArrayList<>();
    for (Account account : accounts) {
      if (users.stream().noneMatch(other -> other.user().equals(account.user()))) {
        Secret secret = secret(where, account);
        ChapConfig.Mutual ours = mutual == null ? null : mutual(where, mutual, secret);
        users.add(new ChapConfig(account.user(), secret, ALL, ours, initiators));
      }
    }
    return users;
  }

  private ChapConfig.Mutual mutual(String where, Account account, Secret theirs) {
    Secret secret = secret(where, account);
    if (secret.equals(theirs)) {
      losses.add(
          where,
          "user "
              + account.user()
              + " has the same secret in both directions, which RFC 7143 forbids: the target has a"
              + " new random one, set it at the initiators");
      secret = fresh(account.user() + " in turn");
    }
    return new ChapConfig.Mutual(account.user(), secret);
  }

  private Secret secret(String where, Account account) {
    Secret secret = new Secret(account.secret());
    boolean unknown = account.secret().equals(NO_PASSWORD) || account.secret().isEmpty();
    if (!unknown && secret.length() >= Secret.MIN_BYTES && secret.length() <= Secret.MAX_BYTES) {
      return secret;
    }
    losses.add(
        where,
        "the secret of user "
            + account.user()
            + (unknown
                ? " is not in the file: put the right one in place of the random one"
                : " has "
                    + secret.length()
                    + " bytes, and 12 to 255 are needed: it has a new random one, set it at the"
                    + " initiators"));
    return fresh(account.user());
  }

  /** One for each user, also where several targets have the user. */
  private Secret fresh(String user) {
    return made.computeIfAbsent(
        user,
        each -> {
          byte[] bytes = new byte[RANDOM_BYTES];
          random.nextBytes(bytes);
          return new Secret(Base64.getUrlEncoder().encodeToString(bytes));
        });
  }
}
