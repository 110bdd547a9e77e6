// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.anabranch.jscsi.MalformedPduException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class NegotiationTest {
  private final Parameters parameters = new Parameters();

  private String answer(SessionType type, String key, String value) throws MalformedPduException {
    Text answers = new Text();
    new Negotiation(IscsiLimits.DEFAULTS, parameters, type).answer(Map.of(key, value), answers);
    String text = new String(answers.toBytes(), StandardCharsets.UTF_8);
    return text.isEmpty() ? "" : text.substring(key.length() + 1, text.length() - 1);
  }

  /** RFC 7143 13: each key's result function, range, and what is no value of it. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          HeaderDigest          | None              | None
          HeaderDigest          | CRC32C,None       | CRC32C
          HeaderDigest          | None,CRC32C       | None
          HeaderDigest          | X-sha,CRC32C      | CRC32C
          HeaderDigest          | md5               | Reject
          DataDigest            | CRC32C            | CRC32C
          DataDigest            | crc32c            | Reject
          MaxConnections        | 1                 | 1
          MaxConnections        | 8                 | 1
          MaxConnections        | 0                 | Reject
          MaxConnections        | 65536             | Reject
          InitialR2T            | Yes               | Yes
          InitialR2T            | No                | No
          InitialR2T            | no                | Reject
          ImmediateData         | Yes               | Yes
          ImmediateData         | No                | No
          ImmediateData         | maybe             | Reject
          MaxBurstLength        | 512               | 512
          MaxBurstLength        | 16776192          | 1048576
          MaxBurstLength        | 0x40000           | 262144
          MaxBurstLength        | 511               | Reject
          MaxBurstLength        | 16777216          | Reject
          MaxBurstLength        | -5                | Reject
          MaxBurstLength        | 99999999999999999 | Reject
          FirstBurstLength      | 262144            | 65536
          FirstBurstLength      | 4096              | 4096
          FirstBurstLength      | 4k                | Reject
          MaxOutstandingR2T     | 1                 | 1
          MaxOutstandingR2T     | 65535             | 4
          MaxOutstandingR2T     | 0                 | Reject
          DefaultTime2Wait      | 7                 | 7
          DefaultTime2Wait      | 3601              | Reject
          DefaultTime2Retain    | 20                | 0
          DataPDUInOrder        | No                | Yes
          DataSequenceInOrder   | No                | Yes
          DataSequenceInOrder   | Y                 | Reject
          ErrorRecoveryLevel    | 2                 | 0
          ErrorRecoveryLevel    | 3                 | Reject
          IFMarker              | No                | Reject
          OFMarker              | Yes               | Reject
          OFMarkInt             | 2048~8192         | Reject
          TaskReporting         | FastAbort,RFC3720 | RFC3720
          TaskReporting         | FastAbort         | Reject
          iSCSIProtocolLevel    | 2                 | 1
          iSCSIProtocolLevel    | 0                 | 0
          iSCSIProtocolLevel    | 32                | Reject
          TargetPortalGroupTag  | 1                 | Reject
          X-org.example.thing   | 42                | NotUnderstood
          NoSuchKey             | Yes               | NotUnderstood
          """)
  void answersEachKeyOfANormalSession(String key, String offer, String answer) throws Exception {
    assertThat(answer(SessionType.NORMAL, key, offer)).isEqualTo(answer);
  }

  @ParameterizedTest
  @CsvSource({
    "MaxConnections, 1",
    "InitialR2T, Yes",
    "ImmediateData, Yes",
    "MaxBurstLength, 262144",
    "FirstBurstLength, 65536",
    "MaxOutstandingR2T, 1",
    "DataPDUInOrder, Yes",
    "DataSequenceInOrder, Yes",
    "TaskReporting, RFC3720"
  })
  void saysWhatMeansNothingToDiscovery(String key, String offer) throws Exception {
    assertThat(answer(SessionType.DISCOVERY, key, offer)).isEqualTo("Irrelevant");
  }

  @Test
  void declarationsWantNoAnswer() throws Exception {
    assertThat(answer(SessionType.NORMAL, "MaxRecvDataSegmentLength", "16384")).isEmpty();
    assertThat(parameters.maxSendDataSegmentLength).isEqualTo(16384);
    assertThat(answer(SessionType.NORMAL, "InitiatorAlias", "host")).isEmpty();
    assertThat(answer(SessionType.NORMAL, "X-ours", "NotUnderstood")).isEmpty();
  }

  @Test
  void aRejectedValueLeavesTheParameterAlone() throws Exception {
    assertThat(answer(SessionType.NORMAL, "MaxRecvDataSegmentLength", "511")).isEqualTo("Reject");
    assertThat(parameters.maxSendDataSegmentLength).isEqualTo(8192);
    assertThat(answer(SessionType.NORMAL, "MaxBurstLength", "1")).isEqualTo("Reject");
    assertThat(parameters.maxBurstLength).isEqualTo(262144);
  }

  /** What the parameters come to is what was answered. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          FirstBurstLength=65536 MaxBurstLength=8192 | FirstBurstLength=8192 MaxBurstLength=8192
          MaxBurstLength=8192 FirstBurstLength=65536 | MaxBurstLength=8192 FirstBurstLength=8192
          MaxBurstLength=8192, FirstBurstLength=65536 | MaxBurstLength=8192 FirstBurstLength=8192
          MaxBurstLength=8192 | MaxBurstLength=8192
          FirstBurstLength=65536, MaxBurstLength=8192 | FirstBurstLength=65536 MaxBurstLength=Reject
          FirstBurstLength=4096, MaxBurstLength=8192 | FirstBurstLength=4096 MaxBurstLength=8192
          FirstBurstLength=4, MaxBurstLength=8192 | FirstBurstLength=Reject MaxBurstLength=8192
          """)
  void theFirstBurstIsPartOfABurst(String requests, String answered) throws Exception {
    Negotiation negotiation = new Negotiation(IscsiLimits.DEFAULTS, parameters, SessionType.NORMAL);
    Text answers = new Text();
    for (String request : requests.split(", ", -1)) {
      Map<String, String> offers = new LinkedHashMap<>();
      for (String offer : request.split(" ", -1)) {
        offers.put(offer.substring(0, offer.indexOf('=')), offer.substring(offer.indexOf('=') + 1));
      }
      negotiation.answer(offers, answers);
    }
    assertThat(new String(answers.toBytes(), StandardCharsets.UTF_8).replace('\0', ' ').trim())
        .isEqualTo(answered);
    assertThat(parameters.firstBurstLength).isLessThanOrEqualTo(parameters.maxBurstLength);
    if (answered.contains("MaxBurstLength=8192")) {
      assertThat(parameters.maxBurstLength).isEqualTo(8192);
    }
    if (answered.contains("FirstBurstLength=65536")) {
      assertThat(parameters.firstBurstLength).isEqualTo(65536);
    }
  }

  @Test
  void aKeyIsNegotiatedOnce() throws Exception {
    Negotiation negotiation = new Negotiation(IscsiLimits.DEFAULTS, parameters, SessionType.NORMAL);
    negotiation.answer(Map.of("InitialR2T", "No"), new Text());
    assertThatThrownBy(() -> negotiation.answer(Map.of("InitialR2T", "Yes"), new Text()))
        .isInstanceOf(MalformedPduException.class)
        .hasMessageContaining("InitialR2T");
  }

  @ParameterizedTest
  @CsvSource({"no-equals", "=value", "bad key=1", "k\u00e9y=1", "a=1;a=2"})
  void textThatIsNoneIsRefused(String text) {
    byte[] bytes = text.replace(';', '\0').getBytes(StandardCharsets.UTF_8);
    assertThatThrownBy(() -> Text.parse(bytes, bytes.length))
        .isInstanceOf(MalformedPduException.class);
  }

  @Test
  void aKeyHas63CharactersAtMost() throws Exception {
    byte[] longest = ("k".repeat(63) + "=1").getBytes(StandardCharsets.UTF_8);
    byte[] longer = ("k".repeat(64) + "=1").getBytes(StandardCharsets.UTF_8);
    assertThat(Text.parse(longest, longest.length)).hasSize(1);
    assertThatThrownBy(() -> Text.parse(longer, longer.length))
        .isInstanceOf(MalformedPduException.class);
  }
}
