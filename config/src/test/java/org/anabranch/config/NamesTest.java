// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The small languages inside the file: names, patterns, portals, addresses, sizes, times. */
final class NamesTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "iqn.2026-11.org.example:vm1",
        "iqn.2026-11.org.example",
        "IQN.2026-11.ORG.Example:VM1",
        "iqn.1991-05.com.microsoft:win-1.corp.example",
        "iqn.2026-11.org.example:",
        "iqn.2026-11.org.bücher:größe",
        "eui.02004567a425678d",
        "EUI.02004567A425678D",
        "naa.52004567ba64678d",
        "naa.62004567ba64678d0123456789abcdef"
      })
  void iscsiNames(String name) {
    assertThat(IscsiName.isValid(IscsiName.normalise(name))).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "iqn.",
        "iqn.2026-13.org.example",
        "iqn.2026-00.org.example",
        "iqn.2026-11.",
        "iqn.26-11.org.example",
        "iqn.2026-11..example",
        "iqn.2026-11.org.example:a b",
        "iqn.2026-11.org.example:a_b",
        "iqn.2026-11.org.example:a/b",
        "iqn.2026-11.org.example:a\nb",
        "eui.02004567A425678",
        "eui.02004567A425678DD",
        "naa.52004567BA64678",
        "disk0",
        "iqn.2026-11.org.example:*"
      })
  void notIscsiNames(String name) {
    assertThat(IscsiName.isValid(IscsiName.normalise(name))).isFalse();
  }

  @Test
  void iscsiNamesHave223BytesAtMost() {
    String name = "iqn.2026-11.org.example:";
    assertThat(IscsiName.isValid(name + "x".repeat(223 - name.length()))).isTrue();
    assertThat(IscsiName.isValid(name + "x".repeat(224 - name.length()))).isFalse();
    assertThat(IscsiName.isValid(name + "é".repeat((224 - name.length()) / 2))).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "*, anything at all, true",
    "iqn.1993-08.org.debian:*, iqn.1993-08.org.debian:01:abc, true",
    "iqn.1993-08.org.debian:*, iqn.1993-08.org.DEBIAN:01:ABC, true",
    "iqn.1993-08.org.debian:*, iqn.1993-08.org.debianx:01, false",
    "iqn.*:host*, iqn.2026-11.org.example:host7, true",
    "iqn.*:host*, iqn.2026-11.org.example:gost7, false",
    "iqn.2026-11.org.example:a, iqn.2026-11.org.example:a, true",
    "iqn.2026-11.org.example:a, iqn.2026-11.org.example:ab, false",
    "iqn.2026-11.org.example:a.c, iqn.2026-11.org.example:abc, false",
  })
  void initiatorPatterns(String pattern, String name, boolean matches) {
    InitiatorPattern parsed = Objects.requireNonNull(InitiatorPattern.parse(pattern));
    assertThat(parsed.matches(name)).isEqualTo(matches);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "**", "debian*", "iqn", "iqn.x y*", "iqn.*\\E", "iqn.2026-13.org.example:x"})
  void notInitiatorPatterns(String pattern) {
    assertThat(InitiatorPattern.parse(pattern)).isNull();
  }

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
    "192.0.2.0/24, 192.0.2.77, true",
    "192.0.2.0/24, 192.0.3.1, false",
    "192.0.2.128/25, 192.0.2.127, false",
    "192.0.2.7, 192.0.2.7, true",
    "192.0.2.7, 192.0.2.6, false",
    "0.0.0.0/0, 203.0.113.9, true",
    "2001:db8::/32, 2001:db8:1::1, true",
    "2001:db8::/32, 2001:db9::1, false",
    "2001:db8::/32, 192.0.2.1, false",
    "::/0, ::1, true",
  })
  void addressRanges(String range, String address, boolean inside) {
    AddressRange parsed = Objects.requireNonNull(AddressRange.parse(range));
    assertThat(parsed.contains(InetAddress.ofLiteral(address))).isEqualTo(inside);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "/",
        "192.0.2.0/33",
        "192.0.2.0/",
        "2001:db8::/129",
        "host/8",
        "10/8",
        "192.0.2.0/-1"
      })
  void notAddressRanges(String text) {
    assertThat(AddressRange.parse(text)).isNull();
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
    assertThat(Form.size(0, Long.MAX_VALUE, 1).reader().apply(text)).isEqualTo(bytes);
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
    assertThat(Form.size(0, Long.MAX_VALUE, 1).reader().apply(text)).isNull();
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
            new ChapConfig.Mutual("t", new Secret("ba9876543210")));
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
