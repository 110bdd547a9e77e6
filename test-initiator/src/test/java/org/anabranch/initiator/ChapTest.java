// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HexFormat;
import org.junit.jupiter.api.Test;

final class ChapTest {
  /** Identifier 1, secret "secret", challenge 00 01 ... 0f; digests by Python's hashlib. */
  @Test
  void responses() {
    byte[] challenge = HexFormat.of().parseHex("000102030405060708090a0b0c0d0e0f");
    assertThat(Chap.MD5.response(1, "secret", challenge))
        .asHexString()
        .isEqualTo("740E86463BDA3A4D7017D6E0FBA0699D");
    assertThat(Chap.SHA1.response(1, "secret", challenge))
        .asHexString()
        .isEqualTo("3890198F5112376188A9742805758384545583A6");
    assertThat(Chap.SHA256.response(1, "secret", challenge))
        .asHexString()
        .isEqualTo("28B96C916CF784528BBFAA6AD7E012CAB293437604AAE8D66A3295B319132CEF");
    assertThat(Chap.SHA3_256.response(1, "secret", challenge))
        .asHexString()
        .isEqualTo("BDCECA071BE509F41ACF88309BB6D12E51526C23A2D18F22C2BB8ED199C36FD8");
  }

  @Test
  void binaryValuesHaveTwoForms() throws Exception {
    byte[] value = {1, (byte) 0xfe, 3};
    assertThat(Chap.encode(value)).isEqualTo("0x01fe03");
    assertThat(Chap.decode("0X01FE03")).isEqualTo(value);
    assertThat(Chap.decode("0x1fe03")).isEqualTo(value);
    assertThat(Chap.decode("0bAf4D")).isEqualTo(value);
    assertThatThrownBy(() -> Chap.decode("01fe03")).isInstanceOf(IscsiException.class);
    assertThatThrownBy(() -> Chap.decode("0xzz")).isInstanceOf(IscsiException.class);
  }

  @Test
  void secretsAreNotPrinted() {
    ChapCredentials credentials =
        ChapCredentials.of("user", "opensesame", Chap.MD5).mutual("target", "opensesame too");
    assertThat(credentials.toString()).contains("user").doesNotContain("opensesame");
    assertThat(SessionOptions.normal("iqn.x").chap(credentials).toString())
        .doesNotContain("opensesame");
  }
}
