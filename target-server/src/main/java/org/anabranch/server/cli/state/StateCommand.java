// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.cli.state;

import java.io.ByteArrayOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.anabranch.server.backup.StateArchive;
import org.anabranch.server.backup.StateBackup;
import org.anabranch.server.backup.StateRestore;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.cli.CommandGroup;
import org.anabranch.server.cli.ServerOption;
import org.anabranch.server.cli.Usage;
import org.anabranch.server.control.Json;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.verbs.StateBackupVerb;
import org.anabranch.server.state.DurableFile;
import org.anabranch.server.state.StateDirectory;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code anabranch state}: what a server must remember. */
@Command(
    name = "state",
    description = "Back up and restore what the server must remember.",
    mixinStandardHelpOptions = true)
public final class StateCommand extends CommandGroup {
  private static final Path STANDARD_OUTPUT = Path.of("-");

  @Command(
      name = "backup",
      description = {
        "Write the small files of the state directory to one file, with checksums.",
        "They hold snapshots, volumes, LUNs and devices that commands made, identities "
            + "of disks, who uses what, and persistent reservations. Neither images nor the "
            + "stores of snapshots are in the file.",
        "A server that runs is asked for it, so that nothing changes in the middle; "
            + "without one, the folder is read."
      },
      footer = {
        "",
        "Examples:",
        "  anabranch state backup /backup/anabranch-state",
        "  anabranch state backup - | ssh backup 'cat > anabranch-state'"
      },
      mixinStandardHelpOptions = true)
  int backup(
      @Parameters(
              paramLabel = "FILE",
              description = "That is made (mode 0600); - for standard output.")
          Path file,
      @Option(
              names = "--state-dir",
              paramLabel = "FOLDER",
              description = "Of a server that does not run; without it, where its socket would be.")
          @Nullable Path folder,
      @Mixin ServerOption server)
      throws RefusedException {
    boolean piped = file.equals(STANDARD_OUTPUT);
    if (piped && server.json()) {
      throw Usage.error(spec, "--json or -, not both");
    }
    if (!piped && Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      throw new RefusedException(file + " exists; name another file, or delete it first");
    }
    Path socket = server.socketPath();
    Path state = folder != null ? folder : folderOf(socket);
    byte[] backup =
        folder == null && Files.exists(socket) && !isFree(state)
            ? ask(server)
            : StateBackup.offline(state);
    try {
      if (piped) {
        try (OutputStream out = new FileOutputStream(FileDescriptor.out)) {
          out.write(backup);
        }
        return 0;
      }
      new DurableFile(file).write(new String(backup, java.nio.charset.StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new RefusedException(file + ": " + StateDirectory.reason(e), e);
    }
    print(server, backup.length, state, "backed up to " + file);
    return 0;
  }

  private static Path folderOf(Path socket) {
    Path folder = socket.toAbsolutePath().getParent();
    return folder == null ? socket : folder;
  }

  /** Whether no server uses it; not known of a folder that cannot be looked into. */
  private static boolean isFree(Path folder) {
    try (StateDirectory.Lock _ = StateDirectory.lock(folder)) {
      return true;
    } catch (RefusedException e) {
      return false;
    }
  }

  private static byte[] ask(ServerOption server) throws RefusedException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    server
        .client()
        .download(
            StateBackupVerb.CALL,
            Nothing.NOTHING,
            progress -> {},
            data -> {
              byte[] bytes = new byte[data.remaining()];
              data.get(bytes);
              out.writeBytes(bytes);
            });
    return out.toByteArray();
  }

  private static void print(ServerOption server, long bytes, Path state, String what) {
    if (server.json()) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("bytes", bytes);
      json.put("state-dir", state.toString());
      server.out().print(Json.pretty(json));
    } else {
      server.out().println("state of " + state + " " + what);
    }
    server.out().flush();
  }

  @Command(
      name = "restore",
      description = {
        "Put a backup back into the state directory of a server that does not run.",
        "All checksums are checked before anything is written.",
        "Going back to an older state loses what commands have made since: volumes "
            + "whose snapshots do not fit their stores any more are left out, and status says "
            + "what to do."
      },
      footer = {
        "",
        "Example:",
        "  anabranch state restore /backup/anabranch-state --state-dir /var/lib/anabranch"
      },
      mixinStandardHelpOptions = true)
  int restore(
      @Parameters(paramLabel = "FILE", description = "The backup.") Path file,
      @Option(
              names = "--state-dir",
              paramLabel = "FOLDER",
              description = "Made if it is absent; without it, where the server's socket would be.")
          @Nullable Path folder,
      @Option(names = "--force", description = "Replace the existing state.") boolean force,
      @Mixin ServerOption server)
      throws RefusedException {
    Path state = folder != null ? folder : folderOf(server.socketPath());
    try {
      byte[] text = Files.readAllBytes(file);
      StateArchive archive = StateRestore.run(file.toString(), text, state, force);
      print(
          server,
          text.length,
          state,
          "restored from " + file + ", made " + archive.created() + " of " + archive.stateDir());
      return 0;
    } catch (IOException e) {
      throw new RefusedException(StateDirectory.reason(e), e);
    }
  }
}
