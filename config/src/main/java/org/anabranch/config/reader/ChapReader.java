// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.anabranch.config.ChapConfig;
import org.anabranch.config.ChapDigest;
import org.anabranch.config.Secret;
import org.anabranch.naming.InitiatorPattern;
import org.jspecify.annotations.Nullable;

/** Reads {@code chap} of a target and of discovery: one user, or a list of them. */
final class ChapReader {
  /** So many users of one target are checked at each login. */
  private static final int MAX_USERS = 1024;

  private final SecretReader secrets;

  /**
   * @param baseDir the folder that relative paths are relative to
   */
  ChapReader(Path baseDir) {
    secrets = new SecretReader(baseDir);
  }

  /** The files that secrets were read from so far. */
  Set<Path> files() {
    return secrets.files();
  }

  /** The users under {@code chap}; empty when there is no such key. */
  List<ChapConfig> users(Section owner) {
    List<Section> sections = owner.sections("chap");
    if (sections.size() > MAX_USERS) {
      owner.problem("chap", "found " + sections.size() + " users", "at most " + MAX_USERS);
      return List.of();
    }
    List<ChapConfig> users = new ArrayList<>();
    for (Section section : sections) {
      ChapConfig user = user(section);
      if (user == null) {
        continue;
      }
      boolean twice =
          users.stream()
              .anyMatch(other ->
                  other.user().equals(user.user()) && other.initiators().equals(user.initiators()));
      if (twice) {
        section.problem(
            "user",
            "user " + Problems.printable(user.user()) + " twice",
            "each user once, or each for initiators of its own");
      }
      users.add(user);
    }
    return users;
  }

  private @Nullable ChapConfig user(Section section) {
    String user = section.required("user", ValueFormat.CHAP_USER);
    Secret secret = secrets.read(section);
    List<InitiatorPattern> initiators = TargetReader.initiators(section);
    Set<ChapDigest> digests = EnumSet.noneOf(ChapDigest.class);
    digests.addAll(section.nonEmptyList("digests", ValueFormat.CHAP_DIGEST));
    if (digests.isEmpty()) {
      digests.addAll(List.of(ChapDigest.values()));
    }
    ChapConfig.Mutual mutual = section.has("mutual") ? mutual(section, secret) : null;
    section.end();
    return user == null || secret == null
        ? null
        : new ChapConfig(user, secret, digests, mutual, initiators);
  }

  private ChapConfig.@Nullable Mutual mutual(Section section, @Nullable Secret secret) {
    Section inner = section.section("mutual", Section.empty());
    String user = inner.required("user", ValueFormat.CHAP_USER);
    Secret ours = secrets.read(inner);
    if (secret != null && Objects.equals(secret, ours)) {
      inner.problem(
          inner.has("secret") ? "secret" : "secret-file",
          "the same secret in both directions",
          "two different ones");
    }
    inner.end();
    return user == null || ours == null ? null : new ChapConfig.Mutual(user, ours);
  }
}
