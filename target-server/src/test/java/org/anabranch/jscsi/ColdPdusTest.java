// SPDX-License-Identifier: Apache-2.0
package org.anabranch.jscsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every bit where RFC 7143 11 has it, jSCSI's known defects among them. */
final class ColdPdusTest {
  private static ByteBuffer header(int opcode, int flags) {
    ByteBuffer header = ByteBuffer.allocate(48);
    header.put(0, (byte) opcode).put(1, (byte) flags);
    header.putInt(16, 0x81828384);
    return header;
  }

  private static ByteBuffer login(int flags) {
    ByteBuffer header = header(0x43, flags);
    header.putLong(8, 0xc0ff_eeff_8182_9293L).putShort(20, (short) 0xfedc);
    return header.putInt(24, 0x87654321).putInt(28, 0x12345678);
  }

  @Test
  void loginRequestKeepsEveryBitOfItsIds() throws Exception {
    LoginRequest request = ColdPdus.loginRequest(login(0x87).put(2, (byte) 3).put(3, (byte) 0));
    assertThat(request)
        .isEqualTo(
            new LoginRequest(
                true,
                false,
                LoginStage.OPERATIONAL_NEGOTIATION,
                LoginStage.FULL_FEATURE_PHASE,
                3,
                0,
                0xc0ff_eeff_8182L,
                0x9293,
                0x81828384,
                0xfedc,
                0x87654321,
                0x12345678));
  }

  @Test
  void loginRequestWithoutTransitHasNoNextStage() throws Exception {
    LoginRequest request = ColdPdus.loginRequest(login(0x43));
    assertThat(request.transit()).isFalse();
    assertThat(request.continues()).isTrue();
    assertThat(request.current()).isEqualTo(LoginStage.SECURITY_NEGOTIATION);
  }

  @ParameterizedTest
  @ValueSource(ints = {0x08, 0x0c, 0x82, 0x8a, 0xc1, 0x80, 0x84, 0x85})
  void loginRequestStagesThatDoNotExist(int flags) {
    assertThatThrownBy(() -> ColdPdus.loginRequest(login(flags)))
        .isInstanceOf(MalformedPduException.class);
  }

  @ParameterizedTest
  @EnumSource
  void loginResponse(LoginStatus status) {
    ByteBuffer header =
        ColdPdus.loginResponse(
            new LoginResponse(
                true,
                false,
                LoginStage.SECURITY_NEGOTIATION,
                LoginStage.OPERATIONAL_NEGOTIATION,
                0xc0ff_eeff_8182L,
                0x9293,
                0x81828384,
                0xa0000001,
                0xb0000002,
                0xc0000003,
                status));
    assertThat(header.getShort(0)).isEqualTo((short) 0x2381);
    assertThat(header.getShort(2)).as("versions").isZero();
    assertThat(header.getInt(4)).as("lengths").isZero();
    assertThat(header.getLong(8)).as("ISID, TSIH").isEqualTo(0xc0ff_eeff_8182_9293L);
    assertThat(header.getInt(16)).isEqualTo(0x81828384);
    assertThat(header.getInt(24)).as("StatSN").isEqualTo(0xa0000001);
    assertThat(header.getInt(28)).isEqualTo(0xb0000002);
    assertThat(header.getInt(32)).isEqualTo(0xc0000003);
    assertThat(header.getInt(36)).isEqualTo(status.code() << 16);
    assertThat(header.getLong(40)).isZero();
  }

  @Test
  void statusCodesAreThoseOfTheRfc() {
    assertThat(LoginStatus.AUTHENTICATION_FAILURE.code()).isEqualTo(0x0201);
    assertThat(LoginStatus.AUTHORIZATION_FAILURE.code()).isEqualTo(0x0202);
    assertThat(LoginStatus.NOT_FOUND.code()).isEqualTo(0x0203);
    assertThat(LoginStatus.TARGET_REMOVED.code()).isEqualTo(0x0204);
    assertThat(LoginStatus.UNSUPPORTED_VERSION.code()).isEqualTo(0x0205);
    assertThat(LoginStatus.TOO_MANY_CONNECTIONS.code()).isEqualTo(0x0206);
    assertThat(LoginStatus.MISSING_PARAMETER.code()).isEqualTo(0x0207);
    assertThat(LoginStatus.SESSION_DOES_NOT_EXIST.code()).isEqualTo(0x020a);
    assertThat(LoginStatus.INVALID_DURING_LOGIN.code()).isEqualTo(0x020b);
    assertThat(LoginStatus.SERVICE_UNAVAILABLE.code()).isEqualTo(0x0301);
    assertThat(LoginStatus.OUT_OF_RESOURCES.code()).isEqualTo(0x0302);
  }

  @Test
  void text() throws Exception {
    ByteBuffer request = header(0x44, 0x80).putInt(20, 0xffffffff);
    assertThat(ColdPdus.textRequest(request))
        .isEqualTo(new TextRequest(true, false, 0x81828384, -1));
    assertThat(ColdPdus.textRequest(header(0x04, 0x40)))
        .isEqualTo(new TextRequest(false, true, 0x81828384, 0));
    assertThatThrownBy(() -> ColdPdus.textRequest(header(0x04, 0xc0)))
        .isInstanceOf(MalformedPduException.class);
    ByteBuffer response = ColdPdus.textResponse(false, true, 0x81828384, 0x99, -3, -4, -5);
    assertThat(response.getShort(0)).isEqualTo((short) 0x2440);
    assertThat(response.getInt(16)).isEqualTo(0x81828384);
    assertThat(response.getInt(20)).isEqualTo(0x99);
    assertThat(response.getInt(24)).isEqualTo(-3);
    assertThat(response.getInt(28)).isEqualTo(-4);
    assertThat(response.getInt(32)).isEqualTo(-5);
  }

  @Test
  void nop() throws Exception {
    ByteBuffer out = header(0x40, 0x80).putLong(8, 0x0001_8000_0000_0000L).putInt(20, 0x87654321);
    assertThat(ColdPdus.nopOut(out))
        .isEqualTo(new NopOut(0x0001_8000_0000_0000L, 0x81828384, 0x87654321));
    ByteBuffer in = ColdPdus.nopIn(0x0001_8000_0000_0000L, 0x81828384, -1, -3, -4, -5);
    assertThat(in.getShort(0)).isEqualTo((short) 0x2080);
    assertThat(in.getLong(8)).isEqualTo(0x0001_8000_0000_0000L);
    assertThat(in.getInt(16)).isEqualTo(0x81828384);
    assertThat(in.getInt(20)).isEqualTo(-1);
    assertThat(in.getInt(24)).isEqualTo(-3);
  }

  @Test
  void logout() throws Exception {
    assertThat(ColdPdus.logoutRequest(header(0x46, 0x81).putShort(20, (short) 0xfedc)))
        .isEqualTo(new LogoutRequest(LogoutRequest.Reason.CLOSE_CONNECTION, 0x81828384, 0xfedc));
    // A CID beside "close the session" means nothing (11.14.3); jSCSI refuses it.
    assertThat(ColdPdus.logoutRequest(header(0x46, 0x80).putShort(20, (short) 7)).reason())
        .isEqualTo(LogoutRequest.Reason.CLOSE_SESSION);
    assertThatThrownBy(() -> ColdPdus.logoutRequest(header(0x46, 0x83)))
        .isInstanceOf(MalformedPduException.class);
    ByteBuffer response =
        ColdPdus.logoutResponse(
            LogoutResponse.RECOVERY_NOT_SUPPORTED, 0x81828384, 3600, 0x9001, -3, -4, -5);
    assertThat(response.getInt(0)).isEqualTo(0x26800200);
    assertThat(response.getInt(16)).isEqualTo(0x81828384);
    assertThat(response.getInt(24)).isEqualTo(-3);
    assertThat(response.getInt(40)).isEqualTo(3600 << 16 | 0x9001);
  }

  @ParameterizedTest
  @EnumSource
  void asyncMessage(AsyncEvent event) {
    ByteBuffer header =
        ColdPdus.asyncMessage(event, 0x0001_0000_0000_0000L, 0x8001, 0x8002, 0x8003, -3, -4, -5);
    assertThat(header.getShort(0)).isEqualTo((short) 0x3280);
    assertThat(header.getLong(8)).isEqualTo(event == AsyncEvent.SCSI ? 0x0001_0000_0000_0000L : 0);
    assertThat(header.getInt(16)).isEqualTo(-1);
    assertThat(header.getInt(24)).isEqualTo(-3);
    int code =
        switch (event) {
          case SCSI -> 0;
          case LOGOUT_REQUESTED -> 1;
          case CONNECTION_WILL_DROP -> 2;
          case SESSION_WILL_DROP -> 3;
          case NEGOTIATION_REQUESTED -> 4;
        };
    assertThat(header.get(36)).isEqualTo((byte) code);
    assertThat(header.getInt(36) & 0xffff).isEqualTo(0x8001);
    assertThat(header.getInt(40)).isEqualTo(0x80028003);
  }

  /** Reserved fields are ignored, and no bytes at all do worse than a refusal. */
  @Test
  void anyBytesAtAll() {
    Random random = new Random(3);
    byte[] bytes = new byte[48];
    for (int i = 0; i < 20_000; i++) {
      random.nextBytes(bytes);
      ByteBuffer header = ByteBuffer.wrap(bytes.clone());
      try {
        switch (i % 4) {
          case 0 -> ColdPdus.loginRequest(header.put(0, (byte) 0x43));
          case 1 -> ColdPdus.textRequest(header.put(0, (byte) 0x04));
          case 2 -> ColdPdus.nopOut(header.put(0, (byte) 0x00));
          default -> ColdPdus.logoutRequest(header.put(0, (byte) 0x06));
        }
      } catch (MalformedPduException e) {
        assertThat(e).hasMessageMatching(".*(stage|transition|Flag|reason).*");
      }
    }
  }
}
