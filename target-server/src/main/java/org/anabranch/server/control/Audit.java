// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.Marker;
import org.slf4j.MarkerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * The line of the log that says who changed what and how it ended, for a verb that changes
 * something. These lines are never summed up. Who asks is what the kernel says (SO_PEERCRED).
 */
final class Audit {
  private static final Logger LOG = LoggerFactory.getLogger(Audit.class);
  private static final Marker AUDIT = MarkerFactory.getMarker("AUDIT");
  private static final int MAX_ARGUMENTS = 1000;

  /** No verb takes a secret; should one, its argument has a name like these. */
  private static final Pattern SECRET = Pattern.compile("(?i).*(secret|password|key).*");

  private final String user;
  private final Verb<?, ?, ?> verb;
  private final Map<String, ?> arguments;

  Audit(String user, Verb<?, ?, ?> verb, Map<String, ?> arguments) {
    this.user = user;
    this.verb = verb;
    this.arguments = arguments;
  }

  /** The change is made. */
  void done() {
    log("done", "");
  }

  /**
   * The verb has not ended as it should.
   *
   * @param outcome a word or two
   * @param reason why
   */
  void ended(String outcome, String reason) {
    log(outcome, ": " + reason);
  }

  private void log(String outcome, String reason) {
    if (!verb.changes()) {
      return;
    }
    long uid = Uid.of(user);
    LoggingEventBuilder line = LOG.atInfo().addMarker(AUDIT);
    if (uid >= 0) {
      line = line.addKeyValue("uid", uid);
    }
    line.addKeyValue("user", user)
        .addKeyValue("verb", verb.call().name())
        .addKeyValue("outcome", outcome)
        .log(
            "{}: {}{}: {}{}",
            uid < 0 ? "user " + user : "uid " + uid + " (" + user + ")",
            verb.call().name(),
            text(arguments),
            outcome,
            reason);
  }

  /** The arguments in the order of their names, each with a blank in front. */
  private static String text(Map<String, ?> arguments) {
    StringBuilder text = new StringBuilder();
    new TreeMap<>(arguments)
        .forEach((name, value) ->
            text.append(' ')
                .append(name)
                .append('=')
                .append(SECRET.matcher(name).matches() ? "..." : value));
    return text.length() <= MAX_ARGUMENTS
        ? text.toString()
        : text.substring(0, MAX_ARGUMENTS) + "...";
  }
}
