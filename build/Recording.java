// SPDX-License-Identifier: Apache-2.0

import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Records what a command prints on a terminal as an SVG that plays it: docs/demo.svg.
 *
 * <pre>
 *   java build/Recording.java docs/demo.svg ./anabranch demo
 * </pre>
 *
 * <p>The command runs under util-linux's script. The picture needs neither scripts nor other files.
 * It begins again some seconds after its end; what does not play it shows the end.
 */
final class Recording {
  private static final int COLUMNS = 88;
  private static final int ROWS = 24; // that are seen; the picture scrolls as a terminal does
  private static final double WIDTH = 7.8; // of a character
  private static final int HEIGHT = 18; // of a row
  private static final int MARGIN = 14;
  private static final double LONGEST_PAUSE = 1.5; // in seconds
  private static final double HOLD = 6; // the end is shown
  private static final double FRAME = 0.1; // a row changes no more often

  /** Text of one style, from a column on. */
  record Span(int column, String text, String style) {}

  /** A row as it was seen from one time to another, in seconds. */
  record Seen(int row, double from, double to, List<Span> spans) {}

  private final List<List<Span>> rows = new ArrayList<>(List.of(new ArrayList<>()));
  private final List<Double> since = new ArrayList<>(List.of(0.0));
  private final List<Double> began = new ArrayList<>(List.of(0.0)); // when each row was reached
  private final List<Seen> seen = new ArrayList<>();
  private int column;
  private String style = "";

  public static void main(String[] arguments) throws Exception {
    List<String> command = List.of(arguments).subList(1, arguments.length);
    Recording recording = new Recording();
    double end = recording.record(command);
    Files.writeString(Path.of(arguments[0]), recording.svg(String.join(" ", command), end));
  }

  /** Runs the command; how long it took, without what is left out of long pauses. */
  private double record(List<String> command) throws IOException, InterruptedException {
    String line = "stty cols " + COLUMNS + " rows " + ROWS + "; exec " + String.join(" ", command);
    ProcessBuilder builder =
        new ProcessBuilder("script", "--quiet", "--return", "--command", line, "/dev/null");
    builder.environment().putAll(Map.of("TERM", "xterm", "LC_ALL", "C.UTF-8"));
    builder.environment().remove("NO_COLOR");
    Process process = builder.redirectErrorStream(true).start();
    double now = 0;
    long last = System.nanoTime();
    try (Reader in = new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8)) {
      for (int c = in.read(); c >= 0; c = in.read()) {
        long at = System.nanoTime();
        now += Math.min(LONGEST_PAUSE, (at - last) / 1e9);
        last = at;
        if (c == 0x1b) {
          escape(in, now);
        } else {
          print((char) c, now);
        }
      }
    }
    if (process.waitFor() != 0) {
      throw new IOException(String.join(" ", command) + " failed");
    }
    return now;
  }

  private void print(char c, double now) {
    if (c == '\r') {
      column = 0;
    } else if (c == '\n') {
      rows.add(new ArrayList<>());
      since.add(now);
      began.add(now);
      column = 0;
    } else {
      List<Span> row = rows.getLast();
      Span end = row.isEmpty() ? null : row.getLast();
      if (end != null && end.style.equals(style) && end.column + end.text.length() == column) {
        row.set(row.size() - 1, new Span(end.column, end.text + c, style));
      } else {
        row.add(new Span(column, String.valueOf(c), style));
      }
      column++;
    }
  }

  /** The two codes that the command line uses: a style, and "erase to the end of the line". */
  private void escape(Reader in, double now) throws IOException {
    StringBuilder code = new StringBuilder();
    int c = in.read(); // the bracket
    for (c = in.read(); c >= 0 && !Character.isLetter(c); c = in.read()) {
      code.append((char) c);
    }
    if (c == 'K') {
      erase(now);
    } else if (c == 'm') {
      style = code.toString().equals("0") ? "" : (style + " s" + code).strip();
    } else {
      throw new IOException("unknown code: " + code + (char) c);
    }
  }

  private void erase(double now) {
    int row = rows.size() - 1;
    if (now - since.get(row) >= FRAME && !rows.get(row).isEmpty()) {
      seen.add(new Seen(row, since.get(row), now, List.copyOf(rows.get(row))));
      since.set(row, now);
    }
    rows.get(row).clear();
  }

  private String svg(String command, double end) {
    double loop = end + HOLD;
    for (int row = 0; row < rows.size(); row++) {
      seen.add(new Seen(row, since.get(row), loop, List.copyOf(rows.get(row))));
    }
    int width = (int) (COLUMNS * WIDTH) + 2 * MARGIN;
    int height = ROWS * HEIGHT + 2 * MARGIN;
    StringBuilder svg = new StringBuilder();
    svg.append(
        """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-labelledby="t">
          <title id="t">What %s prints</title>
          <!-- Made by build/Recording.java of the command's own output. -->
          <style>
            text { font: 13px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #e6edf3; white-space: pre; }
            .s1 { font-weight: bold; } .s2 { fill: #8b949e; } .s31 { fill: #ff7b72; } .s32 { fill: #3fb950; } .s36 { fill: #76e3ea; }
          </style>
          <rect width="100%%" height="100%%" rx="8" fill="#0d1117"/>
          <clipPath id="c"><rect x="0" y="%d" width="%d" height="%d"/></clipPath>
          <rect width="0" height="0"><animate id="l" attributeName="x" begin="0s;l.end" dur="%s" from="0" to="1"/></rect>
          <g clip-path="url(#c)"><g transform="translate(0 %d)">
        """
            .formatted(
                width,
                height,
                command,
                MARGIN,
                width,
                ROWS * HEIGHT,
                seconds(loop),
                -scroll(rows.size())));
    svg.append(scrolling(loop));
    for (Seen each : seen) {
      draw(svg, each, loop);
    }
    return svg.append("</g></g></svg>\n").toString();
  }

  private static int scroll(int shown) {
    return Math.max(0, shown - 1 - ROWS) * HEIGHT; // the last row is empty
  }

  /** The rows move up when one more than fits has been reached. */
  private String scrolling(double loop) {
    StringBuilder values = new StringBuilder("0 0");
    StringBuilder times = new StringBuilder("0");
    for (int row = ROWS + 1; row < rows.size(); row++) {
      values.append(";0 ").append(-scroll(row + 1));
      times.append(String.format(Locale.ROOT, ";%.4f", Math.min(1, began.get(row) / loop)));
    }
    return "<animateTransform attributeName=\"transform\" type=\"translate\" calcMode=\"discrete\""
        + " begin=\"l.begin\" dur=\"%s\" values=\"%s\" keyTimes=\"%s\"/>%n"
            .formatted(seconds(loop), values, times);
  }

  private static void draw(StringBuilder svg, Seen row, double loop) {
    if (row.spans.isEmpty()) {
      return;
    }
    boolean last = row.to == loop;
    svg.append(
        "<text y=\"%d\"%s>"
            .formatted(
                MARGIN + row.row * HEIGHT + HEIGHT - 5, last ? "" : " visibility=\"hidden\""));
    if (!last) {
      svg.append(
          "<set attributeName=\"visibility\" to=\"visible\" begin=\"l.begin+%s\" dur=\"%s\"/>"
              .formatted(seconds(row.from), seconds(row.to - row.from)));
    } else if (row.from > 0) {
      svg.append(
          "<set attributeName=\"visibility\" to=\"hidden\" begin=\"l.begin\" dur=\"%s\"/>"
              .formatted(seconds(row.from)));
    }
    for (Span span : row.spans) {
      svg.append(
          String.format(
              Locale.ROOT,
              "<tspan x=\"%.1f\" textLength=\"%.1f\" lengthAdjust=\"spacingAndGlyphs\"%s>%s</tspan>",
              MARGIN + span.column * WIDTH,
              span.text.length() * WIDTH,
              span.style.isEmpty() ? "" : " class=\"" + span.style + "\"",
              span.text.replace("&", "&amp;").replace("<", "&lt;")));
    }
    svg.append("</text>\n");
  }

  private static String seconds(double time) {
    return String.format(Locale.ROOT, "%.2fs", time);
  }
}
