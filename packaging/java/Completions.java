// SPDX-License-Identifier: Apache-2.0

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.anabranch.server.Main;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/**
 * Writes the completions of bash and zsh from the command line itself: its commands, options, and
 * from the labels of arguments what may stand there. Argument: the folder share.
 */
final class Completions {
  /** What may stand at an argument, by its label in the help. */
  private enum Kind {
    VOLUMES("VOLUME"),
    NEW_SNAPSHOTS,
    DEVICES,
    SNAPSHOTS("VOLUME@NAME", "VOLUME@OLDER"),
    SESSIONS("ID"),
    INITIATORS("INITIATOR"),
    FILES("FILE", "IMAGE", "PATH"),
    FOLDERS("FOLDER"),
    NOTHING;

    private final List<String> labels;

    Kind(String... labels) {
      this.labels = List.of(labels);
    }

    static Kind of(String label, String path) {
      if (label.equals("NAME")) {
        return path.startsWith("volume") ? VOLUMES : path.startsWith("dm ") ? DEVICES : NOTHING;
      }
      if (path.equals("snapshot create") && label.equals("VOLUME@NAME")) {
        return NEW_SNAPSHOTS;
      }
      return Arrays.stream(values())
          .filter(kind -> kind.labels.contains(label.replaceAll("[\\[\\].]", "")))
          .findFirst()
          .orElse(NOTHING);
    }

    String word() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  private final StringBuilder cases = new StringBuilder();
  private final StringBuilder words = new StringBuilder();

  public static void main(String[] args) throws IOException {
    Completions completions = new Completions();
    completions.command(Main.commandLine(), "");
    String template = Files.readString(Path.of("packaging/completion.sh"));
    String script =
        template
            .replace("@WORDS@\n", completions.words.toString())
            .replace("@ARGUMENTS@\n", completions.cases.toString());
    Path share = Path.of(args[0]);
    write(share.resolve("bash-completion/completions/anabranch"), script);
    String zsh =
        "#compdef anabranch\nautoload -Uz bashcompinit\nbashcompinit\n"
            + script
            + "_bash_complete -o nospace -F _anabranch_complete\n";
    write(share.resolve("zsh/site-functions/_anabranch"), zsh);
  }

  private static void write(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  /**
   * @param path the names of the command, without anabranch
   */
  private void command(CommandLine command, String path) {
    CommandSpec spec = command.getCommandSpec();
    List<String> all = new ArrayList<>();
    for (CommandLine child : command.getSubcommands().values().stream().distinct().toList()) {
      if (!child.getCommandSpec().usageMessage().hidden()) {
        all.add(child.getCommandName());
      }
    }
    for (OptionSpec option : spec.options()) {
      if (!option.hidden()) {
        all.add(option.longestName());
        value(path, option);
      }
    }
    words.append("    '%s') choices='%s' ;;\n".formatted(path, String.join(" ", all)));
    int place = 0;
    for (PositionalParamSpec parameter : spec.positionalParameters()) {
      Kind kind = Kind.of(parameter.paramLabel(), path);
      String at =
          parameter.arity().max() > 1
                  || parameter.index().isVariable()
                  || parameter.index().max() > 100
              ? "[0-9]*"
              : Integer.toString(place);
      if (kind != Kind.NOTHING) {
        cases.append("    '%s '%s) kind=%s ;;\n".formatted(path, at, kind.word()));
      }
      place++;
    }
    command.getSubcommands().values().stream()
        .distinct()
        .forEach(child -> command(child, (path + " " + child.getCommandName()).strip()));
  }

  private void value(String path, OptionSpec option) {
    if (option.arity().max() == 0) {
      return;
    }
    Kind kind = Kind.of(option.paramLabel(), path);
    String names =
        Arrays.stream(option.names())
            .map(name -> "'" + (path + " " + name).strip() + "'")
            .collect(Collectors.joining(" | "));
    cases.append("    %s) kind=%s ;;\n".formatted(names, kind.word()));
  }
}
