// SPDX-License-Identifier: Apache-2.0
package org.anabranch.naming;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class AddressRangeTest {
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
}
