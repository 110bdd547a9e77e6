// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.anabranch.config.ChapConfig;
import org.anabranch.config.ChapDigest;
import org.anabranch.config.Portal;
import org.anabranch.config.Secret;
import org.anabranch.config.Suggestion;
import org.anabranch.naming.AdvertisedAddress;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The formats of values in the file: portals, sizes, times, secrets. */
final class NamesTest {
  @ParameterizedTest
  @CsvSource({
    "127.0.0.1:3260, 127.0.0.1:3260, true",
    "127.0.0.1, 127.0.0.1:3260, true",
    "0.0.0.0:0, 0.0.0.0:0, false",
    "192.0.2.255:65535, 192.0.2.255:65535, false",
    "[::1]:3260, [0:0:0:0:0:0:0:1]:3260, true",
    "[::], [0:0:0:0:0:0:0:0]:3260, false",
    "[2001:db8::1]:1, [2001:db8:0:0:0:0:0:1]:1, false",
  })
  void portals(String text, String shown, boolean loopback) {
    Portal portal = Objects.requireNonNull(Portal.parse(text));
    assertThat(portal).hasToString(shown);
    assertThat(portal.isLoopback()).isEqualTo(loopback);
    assertThat(Portal.parse(portal.toString())).isEqualTo(portal);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ":",
        ":3260",
        "localhost",
        "localhost:3260",
        "127.1:3260",
        "127.0.0.256",
        "127.0.0.01",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:3260:1",
        "::1",
        "[::1",
        "[::1]3260",
        "[::1]:",
        "[127.0.0.1]:3260",
        "[]",
        "[[::1]]:1",
        "[::g]",
        "*:3260",
        "127.0.0.1 :3260"
      })
  void notPortals(String text) {
    assertThat(Portal.parse(text)).isNull();
  }

  @ParameterizedTest
  @CsvSource({
    "192.0.2.7, 192.0.2.7:99",
    "192.0.2.7:3260, 192.0.2.7:3260",
    "storage.example.org, storage.example.org:99",
    "storage.example.org:1, storage.example.org:1",
    "nas, nas:99",
    "[2001:db8::7], [2001:db8::7]:99",
    "[2001:db8::7]:65535, [2001:db8::7]:65535"
  })
  void advertisedAddresses(String text, String reported) {
    AdvertisedAddress parsed = Objects.requireNonNull(AdvertisedAddress.parse(text));
    assertThat(parsed.withPort(99)).isEqualTo(reported);
    assertThat(parsed).hasToString(text);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ":",
        ":3260",
        "a:",
        "a:0",
        "a:65536",
        "a:b",
        "a b",
        "a,1",
        "2001:db8::7",
        "[2001:db8::7",
        "[::g]",
        "[1.2.3.4]",
        "1.2.3",
        "256.1.1.1",
        "-a",
        "a..b",
        "a\n",
        "a/b",
        "[]",
        "[::1]x"
      })
  void notAdvertisedAddresses(String text) {
    assertThat(AdvertisedAddress.parse(text)).isNull();
  }

  @ParameterizedTest
  @CsvSource({
    "512, 512",
    "1 k, 1024",
    "1K, 1024",
    "1 KiB, 1024",
    "1 kB, 1000",
    "1.5 GiB, 1610612736",
    "2 TB, 2000000000000",
    "3s, 1536",
    "3 sectors, 1536",
    "0.5 KiB, 512",
    "8 PiB, 9007199254740992",
    "20G, 21474836480",
    "7 bytes, 7"
  })
  void sizes(String text, long bytes) {
    assertThat(ValueFormat.size(0, Long.MAX_VALUE, 1).reader().apply(text)).isEqualTo(bytes);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "GiB",
        "1 Gib",
        "1 XB",
        "-1",
        "1e3",
        "0.3",
        "1..5",
        "9999999999999999999 EiB",
        "1 GiB 2"
      })
  void notSizes(String text) {
    assertThat(ValueFormat.size(0, Long.MAX_VALUE, 1).reader().apply(text)).isNull();
  }

  @Test
  void suggestionsAreNearOrAbsent() {
    List<String> words = List.of("path", "size", "block-size", "read-only");
    assertThat(Suggestion.didYouMean("sise", words)).isEqualTo("; did you mean size?");
    assertThat(Suggestion.didYouMean("paht", words)).isEqualTo("; did you mean path?");
    assertThat(Suggestion.didYouMean("READ_ONLY", words)).isEqualTo("; did you mean read-only?");
    assertThat(Suggestion.didYouMean("colour", words)).isEmpty();
    assertThat(Suggestion.didYouMean("x".repeat(1_000_000), words)).isEmpty();
    assertThat(Suggestion.didYouMean("size", List.of())).isEmpty();
  }

  @Test
  void secretsAreNotShown() {
    ChapConfig chap =
        new ChapConfig(
            "u",
            new Secret("0123456789ab"),
            Set.of(ChapDigest.MD5),
            new ChapConfig.Mutual("t", new Secret("ba9876543210")),
            List.of());
    assertThat(chap.toString())
        .doesNotContain("0123456789ab")
        .doesNotContain("ba9876543210")
        .contains("u");
    assertThat(new Secret("0123456789ab"))
        .isEqualTo(new Secret("0123456789ab"))
        .isNotEqualTo(new Secret("0123456789ac"));
    byte[] bytes = new Secret("abc").bytes();
    bytes[0] = 0;
    assertThat(new Secret("abc").bytes()).containsExactly('a', 'b', 'c');
  }
}
