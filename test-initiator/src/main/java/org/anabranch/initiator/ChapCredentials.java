// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Names and secrets for CHAP.
 *
 * @param name what we say in CHAP_N
 * @param secret what proves it
 * @param algorithms offered in CHAP_A, the preferred one first
 * @param targetName what the target must say in CHAP_N; null: it need not prove itself
 * @param targetSecret what the target must prove
 */
public record ChapCredentials(
    String name,
    String secret,
    List<Chap> algorithms,
    @Nullable String targetName,
    @Nullable String targetSecret) {

  /** One-way CHAP: the target learns who we are. */
  public static ChapCredentials of(String name, String secret, Chap... algorithms) {
    return new ChapCredentials(name, secret, List.of(algorithms), null, null);
  }

  /** Mutual CHAP: the target must prove itself as well. */
  public ChapCredentials mutual(String expectedName, String expectedSecret) {
    return new ChapCredentials(name, secret, algorithms, expectedName, expectedSecret);
  }

  /** Without the secrets. */
  @Override
  public String toString() {
    return "ChapCredentials[" + name + ", " + algorithms + ", " + targetName + "]";
  }
}
