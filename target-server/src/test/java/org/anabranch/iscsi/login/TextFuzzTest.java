// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.TreeMap;
import org.anabranch.fuzz.Fuzzer;
import org.anabranch.jscsi.MalformedPduException;
import org.junit.jupiter.api.Test;

/** Any bytes at all as the text of a login. */
public final class TextFuzzTest {
  @Test
  void text() throws Exception {
    new Fuzzer(
            "text",
            "=",
            "\0",
            ",",
            "Yes",
            "No",
            "None",
            "0x",
            "0b",
            "Reject",
            "HeaderDigest=",
            "MaxBurstLength=",
            "FirstBurstLength=",
            "MaxRecvDataSegmentLength=",
            "16777216",
            "X-com.example=")
        .run(20_000, TextFuzzTest::take);
  }

  /** Login text: parsed, negotiated, and the answers parsed in turn. */
  public static String take(byte[] input) throws MalformedPduException {
    IscsiLimits limits = IscsiLimits.DEFAULTS;
    SessionType type = input.length % 2 == 0 ? SessionType.NORMAL : SessionType.DISCOVERY;
    Map<String, String> keys;
    try {
      keys = Text.parse(input, input.length);
    } catch (MalformedPduException e) {
      return "malformed";
    }
    Map<String, String> outcome = new TreeMap<>();
    for (Map.Entry<String, String> key : keys.entrySet()) {
      byte[] number = ChapNumber.parse(key.getValue());
      assertThat(number == null || number.length <= ChapNumber.LONGEST).isTrue();
    }
    Parameters parameters = new Parameters();
    Text answers = new Text();
    new Negotiation(limits, parameters, type).answer(keys, answers);
    byte[] bytes = answers.toBytes();
    Map<String, String> answered = Text.parse(bytes, bytes.length);
    assertThat(keys.keySet()).containsAll(answered.keySet());
    assertThat(parameters.maxBurstLength).isBetween(512, limits.maxBurstLength());
    assertThat(parameters.firstBurstLength)
        .isBetween(512, Math.min(limits.firstBurstLength(), parameters.maxBurstLength));
    assertThat(parameters.maxSendDataSegmentLength).isBetween(512, 16777215);
    assertThat(parameters.maxOutstandingR2t).isBetween(1, limits.maxOutstandingR2t());
    answered.forEach((key, value) ->
        outcome.put(value.equals("NotUnderstood") ? "?" : key, value.replaceAll("[0-9]+", "n")));
    return type + outcome.toString();
  }
}
