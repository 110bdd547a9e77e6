// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.anabranch.block.store.StoreLayout;
import org.anabranch.block.store.StoreReport;
import org.anabranch.server.terminal.Sizes;

/**
 * A {@link StoreReport} in words and in JSON. A store is good when a server can use it: nothing in
 * it is wrong, and it is not marked as invalid.
 */
final class StoreText {
  private final Path file;
  private final long bytes;
  private final StoreReport report;
  private final List<String> problems;
  private final long problemCount;

  /**
   * @param empty whether the file begins with nothing but zeros, as a store does that is new
   */
  StoreText(Path file, long bytes, StoreReport report, boolean empty) {
    this.file = file;
    this.bytes = bytes;
    this.report = report;
    String where = report.layout() == null ? "header: " : "";
    List<String> found = new ArrayList<>();
    report.problems().forEach(problem -> found.add(where + problem));
    StoreLayout.Header header = report.header();
    if (report.layout() != null && header.valid() == 0) {
      found.addFirst("header: valid is 0: the snapshot was given up, and what it lacks is lost");
    }
    if (header.magic() == 0
        && (header.valid() != 0 || header.version() != 0 || header.chunkSectors() != 0)) {
      found.addFirst("header: magic is 0, what follows is not: it would be taken for no store yet");
    }
    if (found.isEmpty() && report.status().equals("new") && !empty) {
      found.addFirst("header: no store: it begins with zeros, and other data follows");
    }
    this.problems = List.copyOf(found);
    this.problemCount = report.problemCount() + found.size() - report.problems().size();
  }

  boolean good() {
    return problemCount == 0;
  }

  /** The verdict, after all that is wrong. */
  String check() {
    StringBuilder text = new StringBuilder();
    appendProblems(text);
    if (!good()) {
      return text + file.toString() + ": bad\n";
    }
    return text + file.toString() + ": good, " + summary() + "\n";
  }

  private void appendProblems(StringBuilder text) {
    problems.forEach(problem -> text.append(file).append(": ").append(problem).append('\n'));
    if (problemCount > problems.size()) {
      text.append(file)
          .append(": and ")
          .append(problemCount - problems.size())
          .append(" more problems\n");
    }
  }

  private String summary() {
    return report.status().equals("new")
        ? "no store yet: it begins with zeros"
        : report.exceptions()
            + " exceptions in "
            + report.areas()
            + (report.areas() == 1 ? " area, " : " areas, ")
            + report.status();
  }

  Map<String, Object> checkJson() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("file", file.toString());
    json.put("good", good());
    json.put("status", report.status());
    json.put("exceptions", report.exceptions());
    json.put("problem-count", problemCount);
    json.put("problems", problems);
    return json;
  }

  /** Header, areas and runs, as far as they are known, and the problems. */
  String dump() {
    StoreLayout.Header header = report.header();
    StringBuilder text = new StringBuilder();
    line(text, "store", file + ", " + Sizes.bytes((double) bytes));
    line(
        text,
        "header",
        String.format(
            Locale.ROOT,
            "magic 0x%08x, valid %s, version %s, chunks of %s sectors",
            header.magic(),
            Integer.toUnsignedString(header.valid()),
            Integer.toUnsignedString(header.version()),
            Integer.toUnsignedString(header.chunkSectors())));
    line(text, "status", report.status());
    StoreLayout layout = report.layout();
    if (layout != null) {
      line(
          text,
          "exceptions",
          report.exceptions()
              + ", "
              + Sizes.bytes((double) report.exceptions() * layout.chunkBytes())
              + " in chunks of "
              + Sizes.bytes(layout.chunkBytes()));
      for (long area = 0; area < report.areas(); area++) {
        line(
            text,
            "area " + area,
            String.format(
                Locale.ROOT,
                "at chunk %d, %d of %d records used%s",
                layout.areaChunk(area),
                used(layout, area),
                layout.exceptionsPerArea(),
                report.stale() && area == report.areas() - 1
                    ? ", others behind the end of the list"
                    : ""));
      }
      appendRuns(text);
    }
    appendProblems(text);
    return text.toString();
  }

  private static void line(StringBuilder text, String label, String value) {
    text.append(String.format(Locale.ROOT, "%-12s%s%n", label, value));
  }

  private long used(StoreLayout layout, long area) {
    long perArea = layout.exceptionsPerArea();
    return Math.min(perArea, report.exceptions() - area * perArea);
  }

  private void appendRuns(StringBuilder text) {
    text.append(
        String.format(
            Locale.ROOT, "%n%16s %16s %8s  %s%n", "OLD CHUNK", "NEW CHUNK", "CHUNKS", "RECORD"));
    long listed = 0;
    for (StoreReport.Run run : report.runs()) {
      listed += run.count();
      text.append(
          String.format(
              Locale.ROOT,
              "%16s %16s %8d  %d:%d%n",
              Long.toUnsignedString(run.old()),
              Long.toUnsignedString(run.newChunk()),
              run.count(),
              run.area(),
              run.record()));
    }
    if (listed < report.exceptions()) {
      text.append("and ").append(report.exceptions() - listed).append(" exceptions more\n");
    }
  }

  Map<String, Object> dumpJson() {
    StoreLayout.Header header = report.header();
    Map<String, Object> json = checkJson();
    json.put("bytes", bytes);
    json.put(
        "header",
        Map.of(
            "magic",
            String.format(Locale.ROOT, "0x%08x", header.magic()),
            "valid",
            Integer.toUnsignedLong(header.valid()),
            "version",
            Integer.toUnsignedLong(header.version()),
            "chunk-sectors",
            Integer.toUnsignedLong(header.chunkSectors())));
    List<Map<String, Object>> areas = new ArrayList<>();
    List<Map<String, Object>> runs = new ArrayList<>();
    StoreLayout layout = report.layout();
    if (layout != null) {
      json.put("chunk-bytes", layout.chunkBytes());
      for (long area = 0; area < report.areas(); area++) {
        areas.add(
            Map.of(
                "area",
                area,
                "chunk",
                layout.areaChunk(area),
                "used",
                used(layout, area),
                "records",
                layout.exceptionsPerArea()));
      }
      for (StoreReport.Run run : report.runs()) {
        runs.add(
            Map.of(
                "area",
                run.area(),
                "record",
                run.record(),
                "old",
                run.old(),
                "new",
                run.newChunk(),
                "count",
                run.count()));
      }
    }
    json.put("stale", report.stale());
    json.put("areas", areas);
    json.put("runs", runs);
    return json;
  }
}
