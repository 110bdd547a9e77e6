// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
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
  private final @Nullable String group;
  private final Verb<?, ?, ?> verb;
  private final Map<String, ?> arguments;

  /**
   * @param user who asks
   * @param group by which the user may ask; null: as the server's own user, or root
   */
  Audit(String user, @Nullable String group, Verb<?, ?, ?> verb, Map<String, ?> arguments) {
    this.user = user;
    this.group = group;
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
    if (group != null) {
      line = line.addKeyValue("group", group);
    }
    line.addKeyValue("user", user)
        .addKeyValue("verb", verb.call().name())
        .addKeyValue("outcome", outcome)
        .log("{}: {}{}: {}{}", who(uid), verb.call().name(), text(arguments), outcome, reason);
  }

  private String who(long uid) {
    String by = group == null ? "" : "by group " + group;
    return uid < 0
        ? "user " + user + (by.isEmpty() ? "" : " " + by)
        : "uid " + uid + " (" + user + (by.isEmpty() ? "" : ", " + by) + ")";
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
