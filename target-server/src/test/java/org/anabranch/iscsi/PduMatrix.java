// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import static org.anabranch.initiator.Requests.FINAL;
import static org.anabranch.iscsi.ServerUnderTest.options;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.anabranch.initiator.Cdb;
import org.anabranch.initiator.Pdu;
import org.anabranch.initiator.Requests;
import org.anabranch.initiator.SessionOptions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;

/**
 * A table of wrong PDUs with the answers that RFC 7143 asks for or allows, as dynamic tests: the
 * answer is one of these, the session works on unless it was dropped, the log has no exception, and
 * a session beside it is not harmed. Answers are in the words of {@link Wire}.
 */
public abstract class PduMatrix {
  public static ServerUnderTest server;
  private static ServerUnderTest.Bystander bystander;

  @BeforeAll
  public static void start() throws Exception {
    server = new ServerUnderTest(2);
    bystander = server.bystander(1);
  }

  @AfterAll
  public static void stop() throws Exception {
    try {
      bystander.finish();
    } finally {
      server.close();
    }
  }

  /** Sends something wrong. */
  public interface Act {
    void on(Wire wire) throws Exception;
  }

  public final List<DynamicTest> tests = new ArrayList<>();

  public void wrong(String name, String expected, Act act) {
    wrong(name, expected, options(), act);
  }

  public void wrong(String name, String expected, SessionOptions options, Act act) {
    tests.add(
        DynamicTest.dynamicTest(
            name,
            () -> {
              try (Wire wire = new Wire(server, options)) {
                act.on(wire);
                String outcome = wire.outcome(Pattern.compile(expected));
                assertThat(outcome).matches(expected);
                if (!outcome.endsWith("drop")) {
                  wire.assertWorks();
                }
              }
              bystander.assertUnharmed();
              server.log().assertClean();
            }));
  }

  public static Pdu ready(Wire wire, long lun) {
    return Requests.command(lun, wire.nextTag(), Cdb.testUnitReady(), FINAL, 0);
  }

  public static SessionOptions solicited() {
    return options().key("InitialR2T", "Yes").key("ImmediateData", "No");
  }

  public static SessionOptions unsolicited() {
    return options().key("InitialR2T", "No").key("ImmediateData", "Yes");
  }
}
