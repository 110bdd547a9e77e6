// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.hooks;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.anabranch.config.Configuration;
import org.anabranch.config.Problem;
import org.anabranch.config.SourceLocation;
import org.anabranch.config.hooks.Hook;
import org.anabranch.config.hooks.HookCommand;
import org.anabranch.config.hooks.HookSettings;
import org.anabranch.config.hooks.HooksConfig;
import org.anabranch.server.base.RefusedException;

/** What can be said of configured hooks on this machine, before one runs. */
public final class HookRules {
  private HookRules() {}

  /** Users that this process cannot run programs as. */
  public static List<Problem> problems(Configuration configuration) {
    List<Problem> problems = new ArrayList<>();
    all(configuration.hooks())
        .forEach((volume, settings) -> {
          SourceLocation place = configuration.locations().get(HooksConfig.key(volume, "user"));
          if (place != null && settings.user() != null) {
            try {
              HookUser.prefix(settings.user());
            } catch (RefusedException e) {
              problems.add(place.problem(String.valueOf(e.getMessage())));
            }
          }
        });
    return Problem.inOrder(problems);
  }

  /** Programs that are not there, in lines for people. */
  public static List<String> warnings(Configuration configuration) {
    List<String> warnings = new ArrayList<>();
    all(configuration.hooks())
        .forEach((volume, settings) ->
            settings
                .commands()
                .forEach((hook, command) -> {
                  boolean inherited =
                      !volume.isEmpty()
                          && command.equals(configuration.hooks().server().command(hook));
                  if (!inherited && !isThere(command, settings)) {
                    String text =
                        "there is no program "
                            + command.arguments().getFirst()
                            + " that this user can execute";
                    SourceLocation place =
                        configuration.locations().get(HooksConfig.key(volume, hook.key()));
                    warnings.add(
                        place == null
                            ? name(volume, hook) + ": " + text
                            : place.problem(text).toString());
                  }
                }));
    return warnings;
  }

  /** What the hooks mean, in a line for each volume that has its own, and for all others. */
  public static List<String> meaning(Configuration configuration) {
    List<String> lines = new ArrayList<>();
    all(configuration.hooks())
        .forEach((volume, settings) -> {
          if (!settings.commands().isEmpty()) {
            List<String> parts = new ArrayList<>();
            settings
                .commands()
                .forEach((hook, command) ->
                    parts.add(hook.key() + " runs " + String.join(" ", command.arguments())));
            String user = settings.user();
            lines.add(
                (volume.isEmpty() ? "hooks" : "hooks of " + volume)
                    + ": "
                    + String.join(", ", parts)
                    + (user == null ? "" : ", as user " + user)
                    + ", for "
                    + settings.timeLimit().toMillis() / 1000.0
                    + " s at most"
                    + (settings.onFailure() == HookSettings.OnFailure.REFUSE
                        ? "; a failure refuses"
                        : "; after a failure it goes on"));
          }
        });
    return lines;
  }

  private static String name(String volume, Hook hook) {
    return (volume.isEmpty() ? "hooks." : "volumes." + volume + ".hooks.") + hook.key();
  }

  private static Map<String, HookSettings> all(HooksConfig hooks) {
    Map<String, HookSettings> all = new TreeMap<>(hooks.volumes());
    all.put("", hooks.server());
    return all;
  }

  /** Another user may see other files, so this is not more than a hint. */
  private static boolean isThere(HookCommand command, HookSettings settings) {
    if (command.shell()) {
      return true;
    }
    String program = command.arguments().getFirst();
    try {
      if (program.contains("/")) {
        return isExecutable(Path.of(program));
      }
      for (String folder : HookRun.path(settings).split(":", -1)) {
        if (!folder.isEmpty() && isExecutable(Path.of(folder, program))) {
          return true;
        }
      }
      return false;
    } catch (InvalidPathException e) {
      return false;
    }
  }

  private static boolean isExecutable(Path program) {
    return Files.isRegularFile(program) && Files.isExecutable(program);
  }
}
