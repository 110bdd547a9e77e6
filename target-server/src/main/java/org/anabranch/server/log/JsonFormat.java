// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.log;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.Map;

/**
 * A JSON object a line. Logback's own encoder of JSON names classes and threads, and keeps keys and
 * values in a list, which most collectors of logs cannot search.
 */
final class JsonFormat implements LineFormat {
  private static final JsonFactory JSON = new JsonFactory();

  private final boolean journal;

  /**
   * @param journal a priority in front and no time, which the journal has itself
   */
  JsonFormat(boolean journal) {
    this.journal = journal;
  }

  @Override
  public void append(StringBuilder out, LogLine line) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = JSON.createGenerator(text)) {
      json.writeStartObject();
      if (!journal) {
        StringBuilder time = new StringBuilder();
        LineFormat.Time.append(time, line.time());
        json.writeStringField("time", time.toString());
      }
      json.writeStringField("level", LineFormat.word(line.level()));
      json.writeStringField("subject", line.subject());
      json.writeStringField("message", line.message());
      for (Map.Entry<String, Object> id : line.ids().entrySet()) {
        if (id.getValue() instanceof Number number) {
          json.writeNumberField(id.getKey(), number.longValue());
        } else {
          json.writeStringField(id.getKey(), String.valueOf(id.getValue()));
        }
      }
      if (line.exception() != null) {
        json.writeStringField("exception", line.exception());
      }
      if (!line.stack().isEmpty()) {
        json.writeStringField("stack", String.join("\n", line.stack()));
      }
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // a StringWriter throws none
    }
    out.append(journal ? LineFormat.priority(line) : "").append(text.getBuffer()).append('\n');
  }
}
