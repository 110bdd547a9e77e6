// SPDX-License-Identifier: Apache-2.0

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.anabranch.server.Main;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Writes the manual pages: anabranch(1) from the command line itself, anabranch.conf(5) from the
 * comments of reference.conf, and one for each target of device-mapper from the comment of its
 * class. So there is one truth for each. Arguments: the folder of the sources of blockcore, the
 * folder to write to, version, date.
 */
final class ManualPages {
  private final String version;
  private final String date;

  private ManualPages(String version, String date) {
    this.version = version;
    this.date = date;
  }

  public static void main(String[] args) throws IOException {
    ManualPages pages = new ManualPages(args[2], args[3]);
    Path out = Path.of(args[1]);
    write(out.resolve("man1/anabranch.1"), pages.command());
    try (InputStream in =
        Objects.requireNonNull(
            Main.class.getResourceAsStream("/org/anabranch/config/reference.conf"))) {
      String reference = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      write(out.resolve("man5/anabranch.conf.5"), pages.configuration(reference));
    }
    try (Stream<Path> files = Files.walk(Path.of(args[0]))) {
      for (Path file :
          files.filter(path -> path.toString().endsWith("Target.java")).sorted().toList()) {
        String comment = target(Files.readString(file));
        if (comment != null) {
          pages.target(comment, out);
        }
      }
    }
  }

  private static void write(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    // A heading begins a paragraph by itself.
    Files.writeString(file, text.replaceAll("(?m)^(\\.S[HS] .*\\n)\\n*\\.PP\\n", "$1"));
  }

  private String head(String name, int section, String title, String summary) {
    return (".\\\" Made by packaging/java/ManualPages.java; do not edit.\n"
            + ".TH %s %d \"%s\" \"Anabranch %s\" \"%s\"\n.SH NAME\n%s \\- %s\n")
        .formatted(
            roff(name.toUpperCase(Locale.ROOT)),
            section,
            date,
            version,
            title,
            roff(name),
            roff(summary));
  }

  // --- text ---------------------------------------------------------------------------------

  /** Text for a line of running text. */
  private static String roff(String text) {
    String escaped =
        text.replace("\\", "\\e")
            .replace("-", "\\-")
            .replace("~", "\\(ti")
            .replace("^", "\\(ha")
            .replace("`", "\\(ga")
            .replace("'", "\\(aq");
    return escaped.startsWith(".") ? "\\&" + escaped : escaped;
  }

  private static String paragraph(String text) {
    return roff(text) + "\n";
  }

  private static String literal(List<String> lines) {
    return lines.stream()
        .map(line -> roff(line))
        .collect(Collectors.joining("\n", ".PP\n.RS 4\n.nf\n", "\n.fi\n.RE\n"));
  }

  // --- anabranch(1) -------------------------------------------------------------------------

  private String command() {
    CommandLine main = Main.commandLine();
    main.setUsageHelpWidth(2000);
    List<CommandLine> leaves = new ArrayList<>();
    leaves(main, leaves);
    StringBuilder page =
        new StringBuilder(
            head(
                "anabranch",
                1,
                "User Commands",
                "iSCSI target server with snapshots that merge back"));
    page.append(".SH SYNOPSIS\n.nf\n");
    leaves.forEach(leaf -> page.append(synopsis(leaf)));
    page.append(".fi\n.SH DESCRIPTION\n");
    page.append(paragraph(text(main.getCommandSpec().usageMessage().description())));
    page.append(
        ".PP\n"
            + paragraph(
                "anabranch serve is the server; systemd runs it as anabranch.service. The other commands ask a running server by its control socket, which its user and root may open, or work on files."));
    page.append(".SH COMMANDS\n");
    leaves.forEach(leaf -> section(leaf, page));
    page.append(
        ".SH EXIT STATUS\n.TP\n.B 0\ndone\n.TP\n.B 1\nrefused or failed\n.TP\n.B 2\nwrong usage, or a configuration file with errors\n");
    page.append(
        ".SH ENVIRONMENT\n.TP\n.B ANABRANCH_JAVA_OPTS\noptions of the Java virtual machine, such as \\-Xmx2g\n.TP\n.B NO_COLOR\nno colors in help texts\n");
    page.append(".SH FILES\n");
    for (String[] file :
        new String[][] {
          {
            "/etc/anabranch/anabranch.conf",
            "the configuration of the service; it includes conf.d/*.conf"
          },
          {"/etc/default/anabranch", "its environment, and what an upgrade does"},
          {"/var/lib/anabranch", "its state, and the stores of snapshots"},
          {"/var/lib/anabranch/control.sock", "where commands reach it"}
        }) {
      page.append(".TP\n.I ").append(roff(file[0])).append('\n').append(roff(file[1])).append('\n');
    }
    page.append(
        ".SH SEE ALSO\n.BR anabranch.conf (5),\n.BR anabranch\\-linear (7),\n.BR anabranch\\-snapshot (7),\n.BR iscsiadm (8),\n.BR dmsetup (8)\n");
    return page.toString();
  }

  private static void leaves(CommandLine command, List<CommandLine> found) {
    List<CommandLine> children =
        command.getSubcommands().values().stream()
            .distinct()
            .filter(child -> !child.getCommandSpec().usageMessage().hidden())
            .filter(child -> !child.getCommandName().equals("help"))
            .toList();
    if (children.isEmpty()) {
      found.add(command);
    }
    children.forEach(child -> leaves(child, found));
  }

  private static String synopsis(CommandLine command) {
    String name = command.getCommandSpec().qualifiedName();
    String line =
        new CommandLine.Help(
                command.getCommandSpec(), CommandLine.Help.defaultColorScheme(Ansi.OFF))
            .synopsis(0)
            .strip();
    String rest = line.startsWith(name) ? line.substring(name.length()) : " " + line;
    return "\\fB" + roff(name) + "\\fR" + roff(withoutHelp(rest)) + "\n";
  }

  /** Without the options that every command has. */
  private static String withoutHelp(String synopsis) {
    Matcher cluster = Pattern.compile(" \\[-(\\w+)\\]").matcher(synopsis.replaceAll("\\s+", " "));
    return cluster.replaceAll(found -> {
      String others = found.group(1).replaceAll("[hV]", "");
      return others.isEmpty() ? "" : " [-" + others + "]";
    });
  }

  private static void section(CommandLine command, StringBuilder page) {
    CommandSpec spec = command.getCommandSpec();
    page.append(".SS ").append(roff(spec.qualifiedName())).append('\n');
    page.append(paragraph(text(spec.usageMessage().description())));
    spec.positionalParameters().stream()
        .filter(parameter -> !parameter.hidden())
        .forEach(
            parameter -> item("\\fI" + roff(parameter.paramLabel()) + "\\fR", parameter, page));
    for (OptionSpec option : spec.options()) {
      if (!option.hidden() && !option.usageHelp() && !option.versionHelp()) {
        String names =
            Arrays.stream(option.names())
                .map(name -> "\\fB" + roff(name) + "\\fR")
                .collect(Collectors.joining(", "));
        String value =
            option.arity().max() == 0 ? "" : " \\fI" + roff(option.paramLabel()) + "\\fR";
        item(names + value, option, page);
      }
    }
    footer(spec.usageMessage().footer(), page);
  }

  private static void item(String names, ArgSpec argument, StringBuilder page) {
    page.append(".TP\n")
        .append(names)
        .append('\n')
        .append(roff(text(argument.description())))
        .append('\n');
  }

  /** Running text as it is, and lines that begin with blanks as examples. */
  private static void footer(String[] lines, StringBuilder page) {
    List<String> running = new ArrayList<>();
    List<String> example = new ArrayList<>();
    for (String line :
        Stream.concat(Arrays.stream(lines), Stream.of("")).map(ManualPages::plain).toList()) {
      if (line.startsWith("  ")) {
        example.add(line.substring(2));
        if (!running.isEmpty()) {
          page.append(".PP\n").append(roff(String.join(" ", running))).append('\n');
          running.clear();
        }
        continue;
      }
      if (!example.isEmpty()) {
        page.append(literal(example));
        example.clear();
      }
      if (line.isBlank() && !running.isEmpty()) {
        page.append(".PP\n").append(roff(String.join(" ", running))).append('\n');
        running.clear();
      } else if (!line.isBlank()) {
        running.add(line);
      }
    }
  }

  private static String text(String[] lines) {
    return plain(String.join(" ", lines)).replaceAll("\\s+", " ").strip();
  }

  private static String plain(String text) {
    return Ansi.OFF.string(text).replace("%n", " ").replace("%%", "%").stripTrailing();
  }

  // --- anabranch.conf(5) --------------------------------------------------------------------

  /**
   * The file from top to bottom: a comment is running text, a line of it that begins with more
   * blanks than one is an example, and a key stands by itself.
   */
  private String configuration(String reference) {
    StringBuilder page =
        new StringBuilder(
            head(
                "anabranch.conf",
                5,
                "File Formats",
                "configuration of the Anabranch iSCSI target server"));
    page.append(".SH DESCRIPTION\n");
    List<String> running = new ArrayList<>();
    List<String> example = new ArrayList<>();
    boolean intro = true;
    for (String line : reference.lines().toList()) {
      String content = line.strip();
      boolean comment = content.startsWith("#");
      String text = comment ? content.substring(1) : "";
      // Columns, as in the introduction, are an example, too.
      boolean aligned =
          intro
              && comment
              && text.strip().matches("\\S+ {2,}\\S.*|.*")
              && text.matches(" [A-Z]\\w* {2,}.*| {5,}.*");
      if (comment && !text.isBlank() && !text.startsWith("  ") && !aligned) {
        flushExample(example, page);
        running.add(text.strip());
        continue;
      }
      if (comment && !text.isBlank()) {
        flushRunning(running, page);
        example.add(text.startsWith(" ") ? text.substring(1) : text);
        continue;
      }
      flushRunning(running, page);
      flushExample(example, page);
      if (comment || content.isEmpty()) {
        continue;
      }
      if (content.equals("anabranch {")) {
        intro = false;
        page.append(".SH KEYS\nAll of these are in an object\n.BR anabranch :\n");
      } else if (!content.equals("}")) {
        int depth = (line.length() - line.stripLeading().length()) / 2;
        page.append(depth <= 1 ? ".PP\n" : ".PP\n.RS 4\n")
            .append("\\fB")
            .append(roff(content))
            .append("\\fR\n")
            .append(depth <= 1 ? "" : ".RE\n");
      } else {
        int depth = (line.length() - line.stripLeading().length()) / 2;
        page.append(depth == 0 ? "" : ".PP\n\\fB}\\fR\n");
      }
    }
    flushRunning(running, page);
    flushExample(example, page);
    page.append(
        ".SH FILES\n.TP\n.I /etc/anabranch/anabranch.conf\nthe configuration of the service\n.TP\n.I /etc/anabranch/conf.d/*.conf\nread by it in the order of their names\n");
    page.append(".SH SEE ALSO\n.BR anabranch (1)\n");
    return page.toString();
  }

  private static void flushRunning(List<String> running, StringBuilder page) {
    if (!running.isEmpty()) {
      page.append(".PP\n").append(roff(String.join(" ", running))).append('\n');
      running.clear();
    }
  }

  private static void flushExample(List<String> example, StringBuilder page) {
    if (!example.isEmpty()) {
      page.append(literal(example));
      example.clear();
    }
  }

  // --- targets of device-mapper ---------------------------------------------------------------

  /**
   * The class comment of a target, whose first line is {@code NAME} - SUMMARY; null for another
   * file.
   */
  private static String target(String source) {
    Matcher comment =
        Pattern.compile("(?s)\\n/\\*\\*\\n \\* (\\{@code [a-z-]+\\} - .*?)\\n \\*/\\n")
            .matcher(source);
    return comment.find() ? comment.group(1).replaceAll("(?m)^ \\* ?", "") : null;
  }

  private void target(String comment, Path out) throws IOException {
    Matcher title = Pattern.compile("(?s)\\{@code ([a-z-]+)\\} - (.*?)\\.\\n\\n").matcher(comment);
    if (!title.lookingAt()) {
      throw new IllegalArgumentException("no title: " + comment);
    }
    String name = title.group(1);
    StringBuilder page =
        new StringBuilder(
            head("anabranch-" + name, 7, "Device-mapper targets", oneLine(title.group(2))));
    page.append(".SH SYNOPSIS\n");
    for (String block : comment.substring(title.end()).split("(?=<pre>|<p>|<ul>)|</pre>|</ul>")) {
      target(block.strip(), page);
    }
    page.append(".SH SEE ALSO\n.BR anabranch (1),\n.BR dmsetup (8)\n");
    write(out.resolve("man7/anabranch-" + name + ".7"), page.toString());
  }

  private static void target(String block, StringBuilder page) {
    if (block.startsWith("<pre>")) {
      page.append(
          literal(
              words(block.substring(5))
                  .replaceFirst("^\\n+", "")
                  .stripIndent()
                  .stripTrailing()
                  .lines()
                  .toList()));
    } else if (block.startsWith("<ul>")) {
      for (String item : block.substring(4).split("<li>")) {
        if (!item.isBlank()) {
          page.append(".IP \\(bu 2\n").append(roff(oneLine(item))).append('\n');
        }
      }
    } else if (!block.isEmpty()) {
      Matcher heading = Pattern.compile("(?s)(?:<p>)?<b>(.*?)[.]?</b>(.*)").matcher(block);
      if (heading.matches()) {
        page.append(".SH ")
            .append(roff(words(heading.group(1)).toUpperCase(Locale.ROOT)))
            .append('\n');
        boolean whole = block.contains(".</b>") || block.contains("?</b>");
        String begin = whole ? "" : heading.group(1) + " ";
        page.append(roff(oneLine(begin + heading.group(2)))).append('\n');
      } else {
        page.append(".PP\n").append(roff(oneLine(block.replace("<p>", "")))).append('\n');
      }
    }
  }

  private static String oneLine(String text) {
    return words(text).replaceAll("\\s+", " ").strip();
  }

  /** Javadoc's marks out of a text: code and links become what they show. */
  private static String words(String text) {
    return text.replaceAll(
            "\\s*\\((?:see )?\\{@link [^}]*\\}\\)|\\s*See \\{@link [^}]*\\} for details\\.", "")
        .replaceAll("what \\{@link CowArguments\\} cannot parse", "other arguments")
        .replaceAll("in\\s+which\\s+\\{@link\\s+[^}]*StoreScan\\} finds", "in which a scan finds")
        .replaceAll("\\{@link InvalidStores\\}", "a note beside it")
        .replaceAll("an \\{@link\\s+[^}]*Extendable\\} device", "a device that can grow")
        .replaceAll(":\\s+(see )?\\{@link (MergeInterlock|Handover)\\}", "")
        .replaceAll("\\{@link OriginTarget\\}", "snapshot-origin")
        .replaceAll("\\{@link SnapshotTarget\\}", "snapshot")
        .replaceAll("\\{@code\\s+([^}]*)\\}", "$1")
        .replaceAll("\\{@link\\s+IoError\\.Kind#IO\\}", "an I/O error")
        .replaceAll("\\{@link\\s+[^}\\s]+\\s+([^}]*)\\}", "$1")
        .replaceAll("\\{@link\\s+(?:[a-z.]+\\.)?(?:\\w+#)?(\\w+)\\}", "$1")
        .replaceAll("</?[a-z]+>", "")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
  }
}
