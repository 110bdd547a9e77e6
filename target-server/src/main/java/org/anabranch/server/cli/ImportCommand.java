// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.anabranch.config.InvalidConfigurationException;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Json;
import org.anabranch.server.imports.ConfigurationWriter;
import org.anabranch.server.imports.ImportedConfiguration;
import org.anabranch.server.imports.LioImport;
import org.anabranch.server.imports.Losses;
import org.anabranch.server.imports.SecretOutput;
import org.anabranch.server.imports.TgtImport;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code anabranch import}: another target server's configuration as one of ours. */
@Command(
    name = "import",
    description = {
      "Translate another target server's configuration into one of Anabranch.",
      "The configuration is printed on standard output, and what differs on standard error."
    },
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Names of targets, LUNs, serial numbers, designators (WWIDs) and CHAP users are kept,",
      "so that hosts recognise their disks. Nothing on this machine is changed: stop the",
      "other server, read the result, run anabranch check, then start this server with it."
    })
public final class ImportCommand extends CommandGroup {
  /** What both kinds have. */
  static final class Output {
    @Option(
        names = "--secrets-dir",
        paramLabel = "FOLDER",
        description = {
          "Write each CHAP secret into a file of its own below this folder, with mode 0600,",
          "in place of the configuration."
        })
    private @Nullable Path secrets;

    @Option(
        names = "--json",
        description = "Print JSON: the configuration as text, and what differs.")
    private boolean json;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    int print(ImportedConfiguration imported) throws RefusedException {
      String text = ConfigurationWriter.write(imported, new SecretOutput(secrets));
      check(text);
      PrintWriter err = spec.root().commandLine().getErr();
      imported.losses().forEach(loss -> err.println("anabranch: " + loss));
      if (secrets == null && hasUsers(imported)) {
        err.println(
            "anabranch: the configuration has CHAP secrets: keep it in a file with mode 0600, or use"
                + " --secrets-dir");
      }
      err.flush();
      PrintWriter out = spec.root().commandLine().getOut();
      out.print(json ? Json.pretty(json(imported, text)) : text);
      out.flush();
      return 0;
    }

    private static boolean hasUsers(ImportedConfiguration imported) {
      return !imported.discovery().isEmpty()
          || imported.targets().stream().anyMatch(target -> !target.chap().isEmpty());
    }

    /** What is printed can be read again. */
    private static void check(String text) throws RefusedException {
      try {
        var _ = ConfigurationFile.parse("the imported configuration", text, Path.of("/"));
      } catch (InvalidConfigurationException e) {
        throw new RefusedException(
            "it cannot be translated into a configuration without errors:\n" + e.getMessage(), e);
      }
    }

    private static Map<String, ?> json(ImportedConfiguration imported, String text) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("server", imported.server());
      json.put("source", imported.source());
      json.put("configuration", text);
      json.put("differences", imported.losses().stream().map(Output::json).toList());
      return json;
    }

    private static Map<String, ?> json(Losses.Loss loss) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("where", loss.where());
      json.put("what", loss.what());
      return json;
    }
  }

  @Command(
      name = "tgt",
      description = "Translate tgt's targets.conf, or what tgt-admin --dump prints.",
      footer = {
        "",
        "Example:",
        "  anabranch import tgt /etc/tgt/targets.conf --secrets-dir /etc/anabranch/secrets"
      },
      mixinStandardHelpOptions = true)
  int tgt(
      @Parameters(
              paramLabel = "FILE",
              description = "The file, such as /etc/tgt/targets.conf; - is standard input.")
          Path file,
      @Mixin Output output)
      throws RefusedException {
    return output.print(TgtImport.read(input(file)));
  }

  @Command(
      name = "lio",
      description = "Translate LIO's saveconfig.json, which targetcli saveconfig writes.",
      footer = {"", "Example:", "  anabranch import lio /etc/target/saveconfig.json"},
      mixinStandardHelpOptions = true)
  int lio(
      @Parameters(
              paramLabel = "FILE",
              description = "The file, such as /etc/target/saveconfig.json; - is standard input.")
          Path file,
      @Mixin Output output)
      throws RefusedException {
    return output.print(LioImport.read(input(file)));
  }

  private static Path input(Path file) {
    return file.equals(Path.of("-")) ? Path.of("/dev/stdin") : file;
  }
}
