// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.anabranch.fuzz.Fuzzer;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.verbs.StatsVerb;
import org.anabranch.server.control.verbs.VolumeResizeVerb;
import org.anabranch.server.control.verbs.dm.DmCreateVerb;
import org.anabranch.server.control.verbs.dm.DmMessageVerb;
import org.anabranch.server.control.verbs.snapshots.SnapshotCreateVerb;
import org.anabranch.server.control.verbs.snapshots.SnapshotMergeVerb;
import org.junit.jupiter.api.Test;

/**
 * Any line at all on the control socket: it is an object or refused, and an object becomes the
 * arguments of a verb or is refused.
 */
public final class RequestFuzzTest {
  private static final List<Call<?, ?, ?>> CALLS =
      List.of(
          SnapshotCreateVerb.CALL,
          SnapshotMergeVerb.CALL,
          VolumeResizeVerb.CALL,
          DmCreateVerb.CALL,
          DmMessageVerb.CALL,
          StatsVerb.CALL);

  @Test
  void requests() throws Exception {
    new Fuzzer("requests", "{", "}", "[", "]", "\"", ":", ",", "null", "1e400", "\\ud800", "-0.0")
        .run(10_000, RequestFuzzTest::take);
  }

  /** The input is the line. */
  public static String take(byte[] input) {
    Map<String, Object> request;
    try {
      request = Json.parse(new String(input, StandardCharsets.UTF_8));
    } catch (IllegalArgumentException e) {
      return "no object";
    }
    StringBuilder outcome = new StringBuilder();
    for (Call<?, ?, ?> call : CALLS) {
      outcome.append(outcome(call, request)).append(' ');
    }
    return outcome.toString();
  }

  private static <A extends Record> String outcome(Call<A, ?, ?> call, Map<String, Object> json) {
    try {
      RecordJson.refuseUnknown(call.arguments(), json);
      A arguments = RecordJson.read(call.arguments(), json, "argument");
      assertThat(RecordJson.read(call.arguments(), RecordJson.write(arguments), "argument"))
          .isEqualTo(arguments);
      return "taken";
    } catch (RefusedException e) {
      return String.valueOf(e.getMessage()).replaceAll("[0-9]+", "n");
    }
  }
}
