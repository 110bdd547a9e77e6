// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A page of the documentation as its test reads it: fenced blocks and hidden steps, in order.
 *
 * <pre>
 *   ```console run             commands after "$ ", each with what it prints; all end with status 0
 *   ```console run refused     the same, and the last one ends with another status
 *   ```hocon file PATH         the contents of a file, which is written before what follows
 *   ```hocon file PATH refused the same, of a configuration that has errors
 *   ```hocon check             a configuration, or what stands in one between anabranch { and }
 *   ```console lab             commands after "# " for root in the kernel lab's guest
 *   ```LANGUAGE not run: WHY   what cannot be run here
 *   ```text shown              no commands: a format, a drawing, a line of a log
 *   &lt;!-- test: STEP -->    what a reader does meanwhile, see {@link PageRun}
 * </pre>
 *
 * @param path of the page
 * @param parts in order
 */
record Page(Path path, List<Part> parts) {
  private static final String FENCE = "```";
  private static final Pattern STEP = Pattern.compile("<!-- test: (.*) -->");

  /** A block or a step. */
  sealed interface Part {
    int line();
  }

  /**
   * A fenced block.
   *
   * @param line of its opening fence, from 1
   * @param language the first word behind the fence, such as console; empty when there is none
   * @param marker what follows it, such as {@code run}; empty when there is none
   * @param text the lines between the fences
   */
  record Block(int line, String language, String marker, List<String> text) implements Part {
    /**
     * The commands, each with what the page shows it to print.
     *
     * @param prompt what they begin with
     */
    List<Command> commands(String prompt) {
      List<Command> commands = new ArrayList<>();
      for (int i = 0; i < text.size(); ) {
        assertThat(text.get(i)).as("a command").startsWith(prompt);
        StringBuilder command = new StringBuilder(text.get(i++).substring(prompt.length()));
        while (command.charAt(command.length() - 1) == '\\') {
          command.setLength(command.length() - 1);
          command.append(text.get(i++).strip());
        }
        int from = i;
        while (i < text.size() && !text.get(i).startsWith(prompt)) {
          i++;
        }
        commands.add(new Command(command.toString(), text.subList(from, i)));
      }
      return commands;
    }

    boolean isRun() {
      return marker.equals("run") || marker.equals("run refused");
    }

    /** Whether what it says must be refused. */
    boolean isRefused() {
      return marker.endsWith(" refused");
    }

    /** Whether the test runs it, reads it or writes it to a file. */
    boolean isWork() {
      return isRun() || isCheck() || isFile();
    }

    boolean isCheck() {
      return marker.equals("check");
    }

    boolean isFile() {
      return marker.startsWith("file /");
    }

    boolean isNotRun() {
      return marker.startsWith("not run: ");
    }

    boolean isMarked() {
      return isRun()
          || isNotRun()
          || isCheck()
          || isFile()
          || marker.equals("lab")
          || (language.equals("text") && marker.equals("shown"));
    }
  }

  /**
   * A command of a block.
   *
   * @param line without its prompt, and in one line
   * @param shown what stands below it
   */
  record Command(String line, List<String> shown) {}

  /** Something that happens beside the page's commands. */
  record Step(int line, String words) implements Part {}

  static Page read(Path path) throws IOException {
    List<Part> parts = new ArrayList<>();
    List<String> lines = Files.readAllLines(path);
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      Matcher step = STEP.matcher(line);
      if (line.startsWith(FENCE)) {
        int end = i + 1;
        while (end < lines.size() && !lines.get(end).equals(FENCE)) {
          end++;
        }
        String[] info = line.substring(FENCE.length()).split(" ", 2);
        String marker = info.length > 1 ? info[1] : "";
        parts.add(new Block(i + 1, info[0], marker, List.copyOf(lines.subList(i + 1, end))));
        i = end;
      } else if (step.matches()) {
        parts.add(new Step(i + 1, step.group(1)));
      }
    }
    return new Page(path, List.copyOf(parts));
  }

  List<Block> blocks() {
    return parts.stream().filter(Block.class::isInstance).map(Block.class::cast).toList();
  }

  /** Whether the test has anything to run here. */
  boolean hasWork() {
    return blocks().stream().anyMatch(Block::isWork);
  }

  @Override
  public String toString() {
    return String.valueOf(path.getFileName());
  }
}
