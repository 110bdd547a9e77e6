// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Names and secrets for CHAP.
 *
 * @param name our name in CHAP_N
 * @param secret our secret
 * @param algorithms offered in CHAP_A, the preferred one first
 * @param targetName the target's expected CHAP_N; null if the target need not authenticate
 * @param targetSecret the target's secret
 */
public record ChapCredentials(
    String name,
    String secret,
    List<Chap> algorithms,
    @Nullable String targetName,
    @Nullable String targetSecret) {

  /** One-way CHAP: only the initiator authenticates. */
  public static ChapCredentials of(String name, String secret, Chap... algorithms) {
    return new ChapCredentials(name, secret, List.of(algorithms), null, null);
  }

  /** Mutual CHAP: the target must authenticate, too. */
  public ChapCredentials mutual(String expectedName, String expectedSecret) {
    return new ChapCredentials(name, secret, algorithms, expectedName, expectedSecret);
  }

  /** Without the secrets. */
  @Override
  public String toString() {
    return "ChapCredentials[" + name + ", " + algorithms + ", " + targetName + "]";
  }
}
