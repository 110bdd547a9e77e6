// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.log;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.spi.LoggingEvent;
import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.time.OffsetDateTime;
import java.util.Map;
import org.anabranch.config.LogConfig.Format;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.MarkerFactory;
import org.slf4j.event.KeyValuePair;

/** How lines look in each format. */
final class LineFormatTest {
  private static String line(Format format, boolean journal, LoggingEvent event) {
    return line(format, journal, event, false);
  }

  private static String line(Format format, boolean journal, LoggingEvent event, boolean stacks) {
    StringBuilder out = new StringBuilder();
    LineFormat.of(format, journal).append(out, LogLine.of(event, "", stacks));
    return out.toString();
  }

  private static LoggingEvent login(Level level) {
    LoggingEvent event = Events.event(level, "initiator {} logged in to \"{}\"", "iqn.a", "iqn.t");
    event.addKeyValuePair(new KeyValuePair("connection", 7));
    event.addKeyValuePair(new KeyValuePair("session", 3));
    event.addKeyValuePair(new KeyValuePair("from", "127.0.0.1"));
    return event;
  }

  @Test
  void plainHasTimeLevelSubjectMessageAndTheNumbersOfConnectionAndSession() {
    String line = line(Format.PLAIN, false, login(Level.WARN));
    assertThat(line)
        .endsWith(" WARN  iscsi: initiator iqn.a logged in to \"iqn.t\" connection=7 session=3\n");
    assertThat(OffsetDateTime.parse(line.substring(0, line.indexOf(' ')))).isNotNull();
  }

  @Test
  void logfmtHasEveryKey() {
    String line = line(Format.LOGFMT, false, login(Level.INFO));
    assertThat(line)
        .startsWith("time=")
        .endsWith(
            " level=info subject=iscsi message=\"initiator iqn.a logged in to \\\"iqn.t\\\"\""
                + " connection=7 session=3 from=127.0.0.1\n");
  }

  @ParameterizedTest
  @CsvSource({"ERROR,error", "WARN,warn", "INFO,info", "DEBUG,debug", "TRACE,trace"})
  void jsonIsAnObjectALine(String level, String word) throws IOException {
    String line = line(Format.JSON, false, login(Level.valueOf(level)));
    assertThat(line).endsWith("}\n").containsOnlyOnce("\n");
    Map<String, Object> json = JSON.std.mapFrom(line);
    assertThat(OffsetDateTime.parse(String.valueOf(json.remove("time")))).isNotNull();
    assertThat(json)
        .containsExactly(
            Map.entry("level", word),
            Map.entry("subject", "iscsi"),
            Map.entry("message", "initiator iqn.a logged in to \"iqn.t\""),
            Map.entry("connection", 7),
            Map.entry("session", 3),
            Map.entry("from", "127.0.0.1"));
  }

  @ParameterizedTest
  @CsvSource({"ERROR,<3>", "WARN,<4>", "INFO,<6>", "DEBUG,<7>", "TRACE,<7>"})
  void theJournalGetsAPriorityAndNoTime(String level, String priority) throws IOException {
    LoggingEvent event = login(Level.valueOf(level));
    String plain =
        priority + "iscsi: initiator iqn.a logged in to \"iqn.t\" connection=7 session=3\n";
    assertThat(line(Format.JOURNAL, false, event)).isEqualTo(plain);
    assertThat(line(Format.JOURNAL, true, event)).isEqualTo(plain);
    assertThat(line(Format.PLAIN, true, event)).isEqualTo(plain);
    assertThat(line(Format.LOGFMT, true, event)).startsWith(priority + "level=");
    String json = line(Format.JSON, true, event);
    assertThat(json).startsWith(priority + "{");
    assertThat(JSON.std.mapFrom(json.substring(3))).doesNotContainKey("time");
  }

  @Test
  void whoDidWhatIsANoticeInTheJournal() {
    LoggingEvent event = Events.event(Level.INFO, "uid 0: reload");
    event.addMarker(MarkerFactory.getMarker(LogLine.AUDIT));
    assertThat(line(Format.JOURNAL, false, event)).isEqualTo("<5>iscsi: uid 0: reload\n");
  }

  @Test
  void textOfPeersIsEscapedInEveryFormat() throws IOException {
    String text = "a\u202eb\u200bc\nWARN d\u001b[31m\u2028\"";
    String shown = "a\\u202eb\\u200bc\\nWARN d\\u001b[31m\\u2028\"";
    LoggingEvent event = Events.event(Level.WARN, "no target {}", text);
    event.addKeyValuePair(new KeyValuePair("initiator", text));
    assertThat(line(Format.PLAIN, false, event)).endsWith(": no target " + shown + "\n");
    assertThat(line(Format.LOGFMT, false, event))
        .contains("message=\"no target " + quoted(shown) + "\" initiator=\"" + quoted(shown))
        .containsOnlyOnce("\n");
    assertThat(JSON.std.mapFrom(line(Format.JSON, false, event)))
        .containsEntry("message", "no target " + shown)
        .containsEntry("initiator", shown);
  }

  private static String quoted(String text) {
    return text.replace("\\", "\\\\").replace("\"", "\\\"");
  }

  @Test
  void anExceptionAddsOneLineOrItsStackTrace() throws IOException {
    Exception thrown = new IOException("no\nspace", new IllegalStateException("x"));
    LoggingEvent event =
        Events.event("org.anabranch.server.state.S", Level.ERROR, thrown, "not written");
    String brief = line(Format.PLAIN, false, event);
    assertThat(brief).endsWith(" ERROR state: not written: IOException: no\\nspace\n");
    assertThat(brief).containsOnlyOnce("\n");
    assertThat(line(Format.JOURNAL, false, event, true).lines())
        .hasSizeGreaterThan(3)
        .allMatch(line -> line.startsWith("<3>"))
        .anyMatch(line -> line.contains("at org.anabranch.server.log.LineFormatTest"));
    assertThat(line(Format.LOGFMT, false, event, true)).containsOnlyOnce("\n");
    Map<String, Object> json = JSON.std.mapFrom(line(Format.JSON, false, event, true));
    assertThat(json).containsEntry("exception", "IOException: no\\nspace");
    assertThat(String.valueOf(json.get("stack"))).contains("Caused by: ").contains("\n");
  }

  @Test
  void aMessageThatNamesItsSubjectIsNotPrefixedWithIt() {
    String logger = "org.anabranch.server.snapshots.Snapshots";
    assertThat(
            line(
                Format.PLAIN,
                false,
                Events.event(logger, Level.INFO, null, "snapshot {}: taken", "vm1@a")))
        .endsWith(" INFO  snapshot vm1@a: taken\n");
    assertThat(
            line(
                Format.PLAIN,
                false,
                Events.event(logger, Level.INFO, null, "snapshots of vm1: none")))
        .endsWith(" INFO  snapshot: snapshots of vm1: none\n");
  }
}
